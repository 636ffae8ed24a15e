import ArgumentParser
import DLCluster
import DLCore
import DLFormats
import DLInference
import DLJobs

/// `dltrain generate`.
struct Generate: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Go on with a text by a trained language model, or draw images of a GAN or VAE.",
    discussion: """
      Example: dltrain generate runs/gpt-shakespeare-001 --prompt 'ROMEO:' --temperature 0.8 --top-k 40
      Example: dltrain generate runs/dcgan-mnist-001 -o images.png --images 16

      A text is written as it is drawn. --images belongs to a generative adversarial network and to a variational \
      autoencoder, whose images need a file to be written to; --prompt, --tokens, --temperature, --top-k and --top-p \
      belong to a language model.
      """)

  @OptionGroup var trained: RunOptions
  @Option(
    name: .shortAndLong,
    help: "The file to write: images where its name ends in .png. Standard output unless given.")
  var output: String?
  @Option(
    parsing: .unconditional,
    help: "The text to go on from; a line break unless given, or what the run's texts have instead."
  )
  var prompt: String?
  @Option(parsing: .unconditional, help: "Tokens to add; 500 unless given.")
  var tokens: Int?
  @Option(help: "What logits are divided by, 1 unless given; 0 takes the likeliest token always.")
  var temperature: Double?
  @Option(help: "Draw among so many of the likeliest tokens.")
  var topK: Int?
  @Option(help: "Draw among the likeliest tokens that reach this probability together.")
  var topP: Double?
  @Option(help: "Images to draw; 64 unless given.")
  var images: Int?
  @Option(parsing: .unconditional, help: "Keys the draws.")
  var seed: UInt64 = 1

  /// True if images are to be written.
  private var drawsImages: Bool { output?.hasSuffix(".png") == true }

  func validate() throws {
    let ofTexts = [
      ("--prompt", prompt != nil), ("--tokens", tokens != nil),
      ("--temperature", temperature != nil), ("--top-k", topK != nil), ("--top-p", topP != nil),
    ]
    let (others, what) =
      drawsImages
      ? (ofTexts, "belongs to a text, and a .png holds images")
      : ([("--images", images != nil)], "needs a file to write them to, -o FILE.png")
    if let other = others.first(where: \.1)?.0 {
      throw ValidationError("\(other): \(what)")
    }
  }

  func run(in world: World) throws -> DLCore.ExitCode {
    try world.first("generate") {
      let run = try trained.open(world)
      try OutputFile.require(output, otherThan: [run.checkpoint], run: run.folder)
      if let output, drawsImages {
        var generation = ImageGeneration()
        if let images { generation.images = images }
        generation.seed = seed
        return try generation.run(run, to: output)
      }
      var generation = TextGeneration(
        sampler: try TokenSampler(temperature: temperature ?? 1, topK: topK, topP: topP))
      generation.prompt = prompt
      if let tokens { generation.tokens = tokens }
      generation.seed = seed
      if let output {
        _ = try File.replace(output) { file in
          try generation.run(run) { try file.write($0) }
          try file.write("\n")
        }
      } else {
        try generation.run(run) { world.print($0, terminator: "") }
        world.print("")
      }
    }
    return .success
  }
}
