import DLCluster
import DLTensor

/// A program of one's own that trains a model written in Swift, under mpirun or alone.
///
///     TrainingProgram.main(defaults: yaml) { input, classes in
///       Sequential(Flatten(), Linear(input.count, 64), ReLU(), Linear(64, classes ?? 1))
///     }
public enum TrainingProgram {
  /// Takes `[CONFIG] [--set KEY=VALUE ...] [--out DIR] [--resume auto|PATH] [--init FILE] [--ranks
  /// N] [--trace FILE] [--stop-at STEP]`, trains, shows the progress, and ends the program on all ranks with one
  /// exit code, as `dltrain train` does.
  ///
  /// - Parameters:
  ///   - arguments: what follows the program's name.
  ///   - defaults: the configuration as YAML where no CONFIG is named; `model` is left out.
  ///   - model: makes the network for inputs of shape `[batch] + input`.
  public static func main(
    _ arguments: [String] = Array(CommandLine.arguments.dropFirst()), defaults: String,
    model: @escaping ModelFactory
  ) -> Never {
    main(arguments, defaults: defaults, task: TaskInput.factory(model: model))
  }

  /// The same for a task of one's own: several networks, several losses, metrics of one's own.
  ///
  /// - Parameters:
  ///   - arguments: what follows the program's name.
  ///   - defaults: the configuration as YAML where no CONFIG is named; `model` is left out.
  ///   - task: makes each rank's task.
  public static func main(
    _ arguments: [String] = Array(CommandLine.arguments.dropFirst()), defaults: String,
    task: @escaping TaskFactory
  ) -> Never {
    World.main { world in
      let parsed = try world.agreed("read the command line") { try TrainingArguments(arguments) }
      if parsed.wantsHelp {
        world.print(TrainingArguments.help)
        return .success
      }
      return try parsed.job.run(in: world, task: task) {
        guard let path = parsed.configuration else {
          return try Configuration.load(
            yaml: defaults, source: "defaults", overrides: parsed.overrides, supplied: ["model"])
        }
        return try Configuration.load(
          path: path, overrides: parsed.overrides, supplied: ["model"])
      }
    }
  }
}

/// The command line of a ``TrainingProgram``.
struct TrainingArguments {
  static let help = """
    Usage: [CONFIG] [--set KEY=VALUE ...] [--out DIR] [--resume auto|PATH] [--init FILE] [--ranks N] [--trace FILE] [--stop-at STEP]
    Example: mpirun -n 4 PROGRAM --set optimizer.lr=0.05 --out runs/mine
    """

  var job = TrainingJob()
  var configuration: String?
  var overrides: [String] = []
  var wantsHelp = false

  init(_ arguments: [String]) throws {
    var rest = arguments[...]
    while let word = rest.popFirst() {
      guard word.hasPrefix("-") else {
        guard configuration == nil else { throw UsageError("\(word): unexpected; see --help") }
        configuration = word
        continue
      }
      if word == "--help" || word == "-h" {
        wantsHelp = true
        continue
      }
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      func value() throws -> String {
        if parts.count == 2 { return String(parts[1]) }
        guard let next = rest.popFirst() else { throw UsageError("\(name): no value; see --help") }
        return next
      }
      func number() throws -> Int {
        let text = try value()
        guard let number = Int(text) else { throw UsageError("\(name) \(text): expected a number") }
        return number
      }
      switch name {
      case "--set": overrides.append(try value())
      case "--out": job.out = try value()
      case "--resume": job.resume = try value()
      case "--init": job.initialWeights = try value()
      case "--ranks": job.ranks = try number()
      case "--trace": job.trace = try value()
      case "--stop-at": job.stopAtStep = try number()
      default: throw UsageError("\(name): unknown option; see --help")
      }
    }
  }
}
