import DLCluster
import DLTensor

/// A program of one's own that trains a model written in Swift, under mpirun or alone.
///
///     TrainingProgram.main(defaults: yaml) { input, classes in
///       Sequential(Flatten(), Linear(input.count, 64), ReLU(), Linear(64, classes ?? 1))
///     }
public enum TrainingProgram {
  /// Does what the command line asks for, and ends the program on all ranks with one exit code, as
  /// `dltrain` does.
  ///
  /// `[train] [CONFIG] [--set KEY=VALUE ...] [--out DIR] [--resume auto|PATH] [--init FILE] [--ranks N]
  /// [--trace FILE] [--stop-at STEP]` trains and shows the progress. `evaluate RUN`, `predict RUN INPUT`,
  /// `generate RUN` and `export RUN` use what was trained, with the options of dltrain's commands:
  /// the network is known to this program alone.
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
      let command = try world.agreed("read the command line") { try ProgramCommand(arguments) }
      return try command.run(in: world, defaults: defaults, task: task)
    }
  }
}
