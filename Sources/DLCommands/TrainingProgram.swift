import DLCluster
import DLCore
import DLJobs
import DLTensor
import DLTraining

/// A program of one's own that trains a model written in Swift, under mpirun or alone.
///
///     TrainingProgram.main(defaults: yaml) { input, classes in
///       Sequential(
///         Flatten(), Linear(inputFeatures: input.count, outputFeatures: 64), ReLU(),
///         Linear(inputFeatures: 64, outputFeatures: classes ?? 1))
///     }
public enum TrainingProgram {
  /// Does what the command line asks for, and ends the program on all ranks with one exit code.
  ///
  /// The commands are those of `dltrain` with the same options: `train`, which is meant where none is
  /// named, `validate`, `inspect`, `evaluate`, `predict`, `generate`, `export`, `study`, `analyze`, `attack`, `config`, `bench`
  /// and `launch`.
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
  ///   - defaults: the configuration as YAML where no CONFIG is named; `model` may be left out.
  ///   - task: makes each rank's task; unless given, the one that ``TaskRegistry`` has for the
  ///     network that the configuration names.
  public static func main(
    _ arguments: [String] = Array(CommandLine.arguments.dropFirst()), defaults: String,
    task: @escaping TaskFactory = { try $0.task($0.network()) }
  ) -> Never {
    main(.own(defaults: defaults, task: task), arguments)
  }

  /// The same for dltrain itself: every model that a configuration can name.
  package static func main(
    _ program: Program = .dltrain,
    _ arguments: [String] = Array(CommandLine.arguments.dropFirst())
  ) -> Never {
    OptionName.spell(\.flag)
    World.main(program) { world in
      let command = try world.agreed("read the command line") {
        try CommandLineParser(program).parse(arguments)
      }
      switch command {
      case .text(let text):
        world.print(text)
        return .success
      case .verb(let verb):
        return try verb.run(in: world)
      }
    }
  }
}
