import DLCluster
import DLFormats

/// What the command line of a ``TrainingProgram`` asks for.
enum ProgramCommand {
  case help
  case train(TrainingJob, configuration: String?, overrides: [String])
  case evaluate(RunChoice, data: String?, ranks: Int?)
  case predict(RunChoice, input: String, output: String?)
  case generate(RunChoice, TextGeneration, images: ImageGeneration, output: String?)
  case export(RunChoice, output: String)

  /// A run folder, one of its checkpoints, and the views that an output is the mean of.
  struct RunChoice {
    let folder: String
    var checkpoint = "best"
    var views: TestViews?

    func open(_ world: World, _ task: @escaping TaskFactory) throws -> TrainedRun {
      try TrainedRun(
        folder, choice: .init(checkpoint), views: views, report: { world.warn($0) }, task: task)
    }
  }

  static let usage = """
    Usage: [train] [CONFIG] [--set KEY=VALUE ...] [--out DIR] [--resume auto|PATH] [--init FILE] [--ranks N] [--trace FILE] [--stop-at STEP]
           evaluate RUN [--checkpoint best|latest|FILE] [--views one|mirrored|six] [--data FILE] [--ranks N]
           predict RUN INPUT [--checkpoint best|latest|FILE] [--views one|mirrored|six] [-o FILE]
           generate RUN [--checkpoint best|latest|FILE] [-o FILE|FILE.png] [--prompt TEXT] [--tokens N] [--temperature T] [--top-k K] [--top-p P] [--images N] [--seed N]
           export RUN -o FILE [--checkpoint best|latest|FILE]
    Example: mpirun -n 4 PROGRAM --set optimizer.lr=0.05 --out runs/mine
    """

  private static let short = ["-o": "--output"]

  /// Reads what follows the program's name.
  ///
  /// - Throws: `UsageError`.
  init(_ arguments: [String]) throws {
    if arguments.contains(where: { $0 == "--help" || $0 == "-h" }) {
      self = .help
      return
    }
    let rest = arguments.dropFirst()
    switch arguments.first {
    case "evaluate":
      let read = try ProgramArguments(
        rest, names: ["--checkpoint", "--views", "--data", "--ranks"])
      let run = try RunChoice(read, ["RUN"])
      self = .evaluate(run, data: read.text("--data"), ranks: try read.number("--ranks"))
    case "predict":
      let read = try ProgramArguments(
        rest, names: ["--checkpoint", "--views", "--output"], short: ProgramCommand.short)
      let run = try RunChoice(read, ["RUN", "INPUT"])
      self = .predict(run, input: read.words[1], output: read.text("--output"))
    case "export":
      let read = try ProgramArguments(
        rest, names: ["--checkpoint", "--output"], short: ProgramCommand.short)
      let run = try RunChoice(read, ["RUN"])
      guard let output = read.text("--output") else {
        throw UsageError("-o FILE: missing; see --help")
      }
      self = .export(run, output: output)
    case "generate":
      let read = try ProgramArguments(
        rest,
        names: [
          "--checkpoint", "--output", "--prompt", "--tokens", "--temperature", "--top-k",
          "--top-p", "--images", "--seed",
        ], short: ProgramCommand.short)
      var images = ImageGeneration()
      images.images = try read.number("--images") ?? images.images
      images.seed = try read.number("--seed") ?? images.seed
      self = .generate(
        try RunChoice(read, ["RUN"]), try TextGeneration(read), images: images,
        output: read.text("--output"))
    case "train": self = try ProgramCommand.train(rest)
    default: self = try ProgramCommand.train(arguments[...])
    }
  }

  private static func train(_ arguments: ArraySlice<String>) throws -> Self {
    let read = try ProgramArguments(
      arguments,
      names: ["--set", "--out", "--resume", "--init", "--ranks", "--trace", "--stop-at"])
    var job = TrainingJob()
    job.out = read.text("--out")
    job.resume = read.text("--resume")
    job.initialWeights = read.text("--init")
    job.ranks = try read.number("--ranks")
    job.trace = read.text("--trace")
    job.stopAtStep = try read.number("--stop-at")
    return .train(
      job, configuration: try read.words(["CONFIG"], atLeast: 0).first,
      overrides: read.all("--set"))
  }

  /// Does it.
  ///
  /// - Parameters:
  ///   - defaults: the configuration as YAML where no CONFIG is named.
  ///   - task: makes each rank's task.
  func run(in world: World, defaults: String, task: @escaping TaskFactory) throws -> ExitCode {
    switch self {
    case .help: world.print(ProgramCommand.usage)
    case .train(let job, let path, let overrides):
      return try job.run(in: world, task: task) {
        guard let path else {
          return try Configuration.load(
            yaml: defaults, source: "defaults", overrides: overrides, supplied: ["model"])
        }
        return try Configuration.load(path: path, overrides: overrides, supplied: ["model"])
      }
    case .evaluate(let choice, let data, let ranks):
      let run = try world.agreed("open \(choice.folder)") { try choice.open(world, task) }
      let report = try world.run(ranks: ranks) { try run.evaluate(data: data, communicator: $0) }
      world.print("checkpoint \(run.checkpoint)\n\(report.text(columns: World.columns))")
    case .predict(let choice, let input, let output):
      try world.first("predict \(input)") {
        let run = try choice.open(world, task)
        if let output {
          _ = try File.replace(output) { file in try run.predict(input) { try file.write($0) } }
        } else {
          try run.predict(input) { world.print($0, terminator: "") }
        }
      }
    case .generate(let choice, let text, let images, let output):
      try world.first("generate") {
        let run = try choice.open(world, task)
        guard let output else {
          try text.run(run) { world.print($0, terminator: "") }
          return world.print("")
        }
        if output.hasSuffix(".png") { return try images.run(run, to: output) }
        _ = try File.replace(output) { file in
          try text.run(run) { try file.write($0) }
          try file.write("\n")
        }
      }
    case .export(let choice, let output):
      try world.first("export \(choice.folder)") {
        let run = try choice.open(world, task)
        world.print("\(try run.export(to: output)) tensors of step \(run.step) in \(output)")
      }
    }
    return .success
  }
}

extension ProgramCommand.RunChoice {
  /// The run that the words name first, and the options about it.
  fileprivate init(_ read: ProgramArguments, _ names: [String]) throws {
    folder = try read.words(names, atLeast: names.count)[0]
    checkpoint = read.text("--checkpoint") ?? "best"
    views = try read.text("--views").map { text in
      guard let views = TestViews(rawValue: text) else {
        throw UsageError("--views \(text): give one, mirrored or six")
      }
      return views
    }
  }
}

extension TextGeneration {
  /// The options of `generate`.
  fileprivate init(_ read: ProgramArguments) throws {
    self.init(
      sampler: try TokenSampler(
        temperature: read.number("--temperature") ?? 1, topK: read.number("--top-k"),
        topP: read.number("--top-p")))
    prompt = read.text("--prompt") ?? prompt
    tokens = try read.number("--tokens") ?? tokens
    seed = try read.number("--seed") ?? seed
  }
}
