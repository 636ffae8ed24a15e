import DLTestSupport
import Foundation
import Testing

/// Limits of stacks, threads and address space that strike before the program begins or while it
/// trains: the job ends well, or with one line.
@Suite(.serialized)
struct SystemLimitTests {
  private func start(_ setting: String, _ words: [String], in folder: String) throws -> Outcome {
    let train = ["train", try Job.write(to: folder), "--out", "run-\(UUID().uuidString)"]
    let command = ["bash", "-c", "\(setting) && exec \"$@\"", "bash"] + words + [Program.path]
    return try Program.startCommand(command + train + ["--ranks", "2"], in: folder).wait()
  }

  /// Whether tests may start the program as another user, who can reach it.
  private static let canBeAnother: Bool = {
    var path = Program.path
    while path.count > 1 {
      var status = stat()
      guard stat(path, &status) == 0, status.st_mode & S_IXOTH != 0 else { return false }
      path = (path as NSString).deletingLastPathComponent
    }
    return geteuid() == 0
  }()

  /// OpenBLAS starts threads while it is loaded, with stacks of the size of the limit.
  @Test(arguments: ["4000000", "100000000", "unlimited"])
  func aHugeLimitOfStacksIsNoBurden(limit: String) throws {
    try TemporaryFolder.with { folder in
      for space in ["unlimited", "2000000"] {
        let outcome = try start(
          "ulimit -S -v \(space) && ulimit -S -s \(limit)", [], in: folder)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.isEmpty, "\(outcome.errors)")
      }
    }
  }

  @Test func aLimitOfStacksThatNothingFitsInIsRefusedInOneLine() throws {
    try TemporaryFolder.with { folder in
      // As a user who may not raise it again.
      let outcome = try start(
        "ulimit -s 100", ["setpriv", "--bounding-set=-all", "--inh-caps=-all"], in: folder)
      #expect(outcome.status == 74, "\(outcome.errors)")
      #expect(outcome.errors.hasPrefix("dltrain: stack: "), "\(outcome.errors)")
      #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
    }
  }

  /// The limit of processes counts threads, and does not hold for the superuser.
  @Test(
    .enabled(if: SystemLimitTests.canBeAnother, "needs another user"),
    arguments: [1, 2, 3, 4, 5, 6, 8, 40])
  func fewThreadsAreEnoughOrRefusedInOneLine(count: Int) throws {
    try TemporaryFolder.with { folder in
      try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder)
      let user = [
        "setpriv", "--reuid=61234", "--regid=61234", "--clear-groups", "--bounding-set=-all",
        "--inh-caps=-all",
      ]
      let limited = user + ["bash", "-c", "ulimit -u \(count) && exec \"$@\"", "bash"]
      let outcome = try start("true", limited, in: folder)
      #expect([0, 70, 74].contains(outcome.status), "\(outcome.status): \(outcome.errors)")
      #expect(outcome.status == 0 || count < 40, "\(outcome.errors)")
      let lines = outcome.errors.split(separator: "\n")
      #expect(lines.count == (outcome.status == 0 ? 0 : 1), "\(outcome.errors)")
    }
  }

  /// Products of two ranks at once take a second buffer, for which OpenBLAS would ask for ever.
  @Test(arguments: [0, 2, 8, 64])
  func aLimitOfAddressSpaceThatStrikesInMidRunEndsTheJobInOneLine(megabytes: Int) throws {
    try TemporaryFolder.with { folder in
      let job = try Job.write(to: folder)
      let train = ["train", job, "--out", "run", "--ranks", "2"] + Job.endless
      let running = try Program.startCommand(
        ["timeout", "-s", "KILL", "120", Program.path] + train, in: folder)
      #expect(running.reachesACheckpoint(folder + "/run"))
      let rank = try #require(running.ranks.first)
      let status = try String(contentsOfFile: "/proc/\(rank)/status", encoding: .utf8)
      let words = status.split(separator: "\n").first { $0.hasPrefix("VmSize:") }?.split(
        separator: " ")
      let kilobytes = try #require(words.flatMap { Int($0[1]) })
      let limit = (kilobytes + megabytes * 1000) * 1024
      _ = try Program.startCommand(
        ["prlimit", "--pid", String(rank), "--as=\(limit)"], in: folder
      ).wait()
      // What goes on in so little is stopped after a step.
      let step = Job.latestStep(folder + "/run") ?? 0
      if running.reachesACheckpoint(folder + "/run", after: step + 20) {
        Foundation.kill(rank, SIGUSR1)
      }
      let outcome = running.wait()
      #expect([70, 74, 75].contains(outcome.status), "\(outcome.status): \(outcome.errors)")
      #expect(outcome.faults.count <= 1, "\(outcome.errors)")
    }
  }
}
