import ArgumentParser
import DLCluster
import DLCore
import DLJobs
import DLRecipes

/// `dltrain recipes`.
struct Recipes: Verb {
  static let configuration = CommandConfiguration(
    abstract: "List the built-in recipes, or print one as YAML.",
    discussion: """
      Example: dltrain recipes lenet-mnist > job.yaml

      Behind each stand what it came to, and about how long that took at most.
      """)

  @Argument(help: "A recipe.")
  var name: String?

  func run(in world: World) throws -> DLCore.ExitCode {
    world.print(
      try world.agreed("show the recipe") { try Recipe.text(name, columns: World.columns) })
    return .success
  }
}
