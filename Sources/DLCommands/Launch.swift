import ArgumentParser
import DLCluster
import DLCore
import DLFormats
import DLJobs

/// `dltrain launch`.
struct Launch: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Train under mpirun, and go on after a lost rank or host.",
    discussion: """
      Example: dltrain launch -n 4 -- train job.yaml --out runs/job

      SIGTERM, SIGINT and SIGUSR1 make the ranks finish the step and write a checkpoint, and the command exits with \
      code 75; a second one ends them at once.
      """)

  @Option(
    name: [.customShort("n"), .customLong("processes")],
    help: "Processes; one rank each unless the job has more.")
  var processes: Int
  @Option(help: "Restarts after a failure before it gives up.")
  var maxRestarts = 3
  @Option(help: "A file of hosts, one a line: node1 slots=4.")
  var hostfile: String?
  @Option(
    help: "Seconds that the ranks have after a signal to finish the step and write a checkpoint.")
  var stopLimit = 300.0
  @Option(
    name: .customLong("mpirun"), parsing: .unconditional,
    help: ArgumentHelp(
      "More options for mpirun, as in \"--mca btl_tcp_if_include eth0\".", valueName: "options"))
  var mpirunOptions: String?
  @Argument(parsing: .postTerminator, help: "What to run: train with its arguments.")
  var command: [String] = []

  func run(in world: World) throws -> DLCore.ExitCode {
    let parsed = try CommandLineParser(world.program).parse(command)
    guard case .verb(let verb) = parsed, let train = verb as? Train else {
      if case .text(let text) = parsed, !text.isEmpty {
        world.print(text)
        return .success
      }
      throw UsageError(
        "launch starts train alone, as in: \(world.program.name) launch -n 4 -- train job.yaml")
    }
    world.needsOutput = false
    var job = LaunchJob()
    job.processes = processes
    job.maxRestarts = maxRestarts
    job.hostfile = hostfile
    job.stopLimitSeconds = stopLimit
    job.mpirunOptions =
      mpirunOptions?.words().map(String.init) ?? []
    job.program = try File.linkTarget("/proc/self/exe")
    let given = command.isEmpty ? ["train"] : command
    job.arguments = { Self.arguments(given, folder: $0, resumes: $1) }
    job.training = train.training
    return try job.run(in: world, configuration: train.configuration(of: world.program))
  }

  /// The arguments of a start: the run folder is fixed, and a restart resumes.
  private static func arguments(_ given: [String], folder: String, resumes: Bool) -> [String] {
    var kept = without("--out", in: given)
    if resumes { kept = without("--resume", in: kept) + ["--resume", "auto"] }
    return kept + ["--out", folder]
  }

  private static func without(_ option: String, in words: [String]) -> [String] {
    var kept: [String] = []
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == option {
        _ = rest.popFirst()
      } else if !word.begins(with: option + "=") {
        kept.append(word)
      }
    }
    return kept
  }
}
