import ArgumentParser
import DLCluster
import DLCore
import DLJobs
import DLRecipes
import DLTraining

/// `dltrain config`.
struct ConfigCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "config",
    abstract: "Print a configuration with every default filled in, or all keys that there are.",
    discussion: """
      Example: dltrain config job.yaml --set optimizer.name=adamw
      Example: dltrain config --reference
      Example: dltrain config --schema > dltrain.schema.json
      """)

  @Argument(help: "A configuration file or a recipe; the program's own unless given.")
  var config: String?
  @OptionGroup var job: JobOptions
  @Flag(help: "Print every key with type, default and meaning, as Markdown.")
  var reference = false
  @Flag(help: "Print the JSON Schema of a configuration.")
  var schema = false

  func validate() throws {
    guard !(reference && schema), config == nil || !(reference || schema) else {
      throw ValidationError("give a configuration, --reference or --schema, and no two of them")
    }
  }

  func run(in world: World) throws -> DLCore.ExitCode {
    try world.first("config") {
      if reference { return world.print(ConfigurationReference.markdown(), terminator: "") }
      if schema { return world.print(try ConfigurationSchema.json()) }
      let configuration = try Job(config, of: world.program)
        .configuration(job.overrides, needsData: false)
      world.print(configuration.yaml(), terminator: "")
    }
    return .success
  }
}
