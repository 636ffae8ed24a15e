import ArgumentParser
import DLCluster
import DLTraining

/// `dltrain generate`.
struct Generate: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Go on with a text by a trained language model, as it is drawn.",
    discussion:
      "Example: dltrain generate runs/gpt-shakespeare-001 --prompt 'ROMEO:' --temperature 0.8 --top-k 40"
  )

  @OptionGroup var trained: RunOptions
  @Option(help: "The text to go on from; a line break unless given.")
  var prompt = "\n"
  @Option(help: "Tokens to add.")
  var tokens = 500
  @Option(help: "What logits are divided by; 0 takes the likeliest token always.")
  var temperature = 1.0
  @Option(help: "Draw among so many of the likeliest tokens.")
  var topK: Int?
  @Option(help: "Draw among the likeliest tokens that reach this probability together.")
  var topP: Double?
  @Option(help: "Keys the draws.")
  var seed: UInt64 = 1

  func run(in world: World) throws -> DLCluster.ExitCode {
    try world.first("generate") {
      var generation = TextGeneration(
        sampler: try TokenSampler(temperature: temperature, topK: topK, topP: topP))
      generation.prompt = prompt
      generation.tokens = tokens
      generation.seed = seed
      try generation.run(trained.open(world)) { world.print($0, terminator: "") }
      world.print("")
    }
    return .success
  }
}
