import ArgumentParser
import DLCluster
import DLConfiguration
import DLCore
import DLFormats
import DLInference
import DLJobs
import DLRecipes
import DLReports

/// A command that runs on all processes of a job.
protocol Verb: ParsableCommand {
  /// Does the work.
  ///
  /// - Throws: what `World.main` prints.
  func run(in world: World) throws -> DLCore.ExitCode
}

/// The root of dltrain's command line; without a verb it trains the digits.
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
        Train.self, StudyCommand.self, Validate.self, Evaluate.self, Predict.self, Generate.self,
        Analyze.self, AttackCommand.self, Neighbors.self,
        Export.self, Inspect.self, ConfigCommand.self, Recipes.self, DataCommand.self, Bench.self,
        Launch.self, Doctor.self,
      ],
      defaultSubcommand: Train.self)
  }
}

/// The root of the command line of a program with a model in Swift; without a verb it trains that.
struct OwnProgram: ParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: File.name(of: CommandLine.arguments[0]),
      abstract: "Train the network that this program brings, on CPU clusters.",
      discussion: """
        Without a command it trains by the configuration that the program brings.

          mpirun -n 4 PROGRAM --set optimizer.lr=0.05 --out runs/mine
          PROGRAM evaluate runs/mine
        """,
      version: CommandLine.arguments.contains("--version") ? SystemReport.version : "-",
      subcommands: [
        Train.self, StudyCommand.self, Validate.self, Evaluate.self, Predict.self, Generate.self,
        Analyze.self, AttackCommand.self,
        Export.self, Inspect.self, ConfigCommand.self, Bench.self, Launch.self,
      ],
      defaultSubcommand: Train.self)
  }
}

/// Reads the command line of a program.
struct CommandLineParser {
  /// The thing that the arguments ask for: something to print, or a verb.
  enum Parsed {
    case text(String)
    case verb(any Verb)
  }

  private let root: any ParsableCommand.Type
  private let name: String
  private let isOwn: Bool

  init(_ program: Program) {
    isOwn = program.task != nil
    root = isOwn ? OwnProgram.self : Dltrain.self
    name = root.configuration.commandName ?? "dltrain"
  }

  /// Parses the arguments behind the program's name.
  ///
  /// - Throws: `UsageError` with what is wrong and where to read on.
  func parse(_ arguments: [String]) throws -> Parsed {
    try requireKnown(arguments)
    do {
      var command = try root.parseAsRoot(arguments)
      if let verb = command as? any Verb { return .verb(verb) }
      // What is no verb prints its help by throwing it.
      try command.run()
      return .text("")
    } catch {
      if root.exitCode(for: error).isSuccess { return .text(named(root.fullMessage(for: error))) }
      throw UsageError("\(root.message(for: error)); see \(name)\(verbs(arguments)) --help")
    }
  }

  /// Throws where the first word is no command and nothing that training takes, but near to a command.
  private func requireKnown(_ arguments: [String]) throws {
    let words = arguments.drop { $0 == "help" }
    guard let word = words.first, !word.hasPrefix("-"), Recipe.named(word) == nil,
      !File.exists(word)
    else { return }
    let known = root.configuration.subcommands.map { $0._commandName }
    guard !known.contains(word), let near = nearestWord(to: word, in: known) else { return }
    throw UsageError(
      "no command \(quoted(word)), did you mean \(near)? The others: \(name) --help")
  }

  /// The commands that the first arguments name, one below the other, as ` data pack csv`.
  private func verbs(_ arguments: [String]) -> String {
    var (command, text): (any ParsableCommand.Type, String) = (root, "")
    for word in arguments {
      guard let next = command.configuration.subcommands.first(where: { $0._commandName == word })
      else { break }
      (command, text) = (next, text + " \(word)")
    }
    return text
  }

  /// A help text whose examples a program of one's own can carry out: with its name, where it has the
  /// command.
  private func named(_ text: String) -> String {
    guard isOwn else { return text }
    return root.configuration.subcommands.reduce(text) { text, verb in
      text.replacing("dltrain \(verb._commandName) ", with: "\(name) \(verb._commandName) ")
    }
  }
}
