import ArgumentParser
import DLCluster
import DLTraining

/// A command that runs on all processes of a job.
protocol Verb: ParsableCommand {
  /// Does the work; throws what `World.main` prints.
  func run(in world: World) throws -> DLCluster.ExitCode
}

/// The root of the command line; without a verb it trains the digits.
struct Dltrain: ParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "dltrain", abstract: "Train deep networks on CPU clusters.",
      discussion: """
        Without a command it trains on the digits that come with the program.

          dltrain                                  one rank per core of this machine
          mpirun -n 4 dltrain                      four processes
          mpirun -n 4 dltrain train job.yaml       a job of your own
        """,
      // The version names the MPI that is loaded: looked up only when it is asked for.
      version: CommandLine.arguments.contains("--version") ? SystemReport.version : "-",
      subcommands: [
        Train.self, Validate.self, Evaluate.self, Predict.self, Generate.self, Export.self,
        Inspect.self, Recipes.self, DataCommand.self, Bench.self, Launch.self, Doctor.self,
      ],
      defaultSubcommand: Train.self)
  }

  /// What the arguments ask for: something to print, or a verb.
  enum Parsed {
    case text(String)
    case verb(any Verb)
  }

  /// Parses the program's arguments.
  ///
  /// - Throws: `UsageError` with what is wrong and where to read on.
  static func parsed(_ arguments: [String] = Array(CommandLine.arguments.dropFirst())) throws
    -> Parsed
  {
    do {
      var command = try parseAsRoot(arguments)
      if let verb = command as? any Verb { return .verb(verb) }
      // What is no verb prints its help by throwing it.
      try command.run()
      return .text("")
    } catch {
      if exitCode(for: error).isSuccess { return .text(fullMessage(for: error)) }
      let verb = arguments.first.map { name in
        configuration.subcommands.contains { $0._commandName == name } ? " \(name)" : ""
      }
      throw UsageError("\(message(for: error)); see dltrain\(verb ?? "") --help")
    }
  }
}
