import DLTestSupport
import Foundation
import Testing

/// Runs in little address space, as batch systems give: the job ends well, or with one line.
@Suite(.serialized)
struct AddressSpaceTests {
  /// The kilobytes of `ulimit -v`: from what the program cannot even be loaded in to what is enough.
  ///
  /// Between 690 and 850 MB two ranks start, and heaps of their own for all threads leave nothing.
  private static let limits = [
    100_000, 200_000, 300_000, 400_000, 550_000, 700_000, 768_000, 844_800, 2_000_000,
  ]

  private func run(_ limit: Int, processes: Int?, ranks: Int, in folder: String) throws -> Outcome {
    let limited = ["bash", "-c", "ulimit -v \(limit); exec \"$@\"", "bash", Program.path]
    let run = folder + "/run-\(UUID().uuidString)"
    let train = ["train", try Job.write(to: folder), "--out", run]
    let command =
      Program.launcher(processes) + limited + train
      + (processes == nil ? ["--ranks", String(ranks)] : [])
    return try Program.startCommand(command, in: folder).wait()
  }

  @Test(arguments: [(nil, 1), (nil, 2), (2, 2)] as [(Int?, Int)])
  func aRunEndsWellOrWithOneLine(processes: Int?, ranks: Int) throws {
    try TemporaryFolder.with { folder in
      for limit in AddressSpaceTests.limits {
        let outcome = try run(limit, processes: processes, ranks: ranks, in: folder)
        let what = "\(limit) kB: \(outcome.status): \(outcome.errors)"
        // What the loader of the system says before the program begins is its own.
        if outcome.status == 127 || outcome.errors.contains("cannot open shared object") {
          continue
        }
        #expect([0, 70, 74].contains(outcome.status), "\(what)")
        let faults = outcome.faults.filter { !$0.hasPrefix("dltrain: warning: ") }
        #expect(faults.count == (outcome.status == 0 ? 0 : 1), "\(what)")
      }
    }
  }

  /// The other ranks are ended by mpirun, and leave the word to the one that knows why.
  @Test(arguments: [0, 1])
  func aRankThatIsRefusedSaysSoItself(rank: Int) throws {
    try TemporaryFolder.with { folder in
      let limited = [
        "bash", "-c",
        "if [ $OMPI_COMM_WORLD_RANK = \(rank) ]; then ulimit -v 420000; fi; exec \"$@\"", "bash",
        Program.path,
      ]
      let outcome = try Program.startCommand(
        Program.launcher(2) + limited + ["train", try Job.write(to: folder), "--out", "run"],
        in: folder
      ).wait()
      #expect(outcome.status == 74, "\(outcome.errors)")
      #expect(outcome.faults.count == 1, "\(outcome.errors)")
      #expect(outcome.faults.first?.hasPrefix("dltrain: address space: ") == true)
      #expect(outcome.faults.first?.hasSuffix(" (rank 1)") == (rank == 1), "\(outcome.errors)")
    }
  }

  @Test func whatARunNeedsIsEnough() throws {
    try TemporaryFolder.with { folder in
      for (processes, ranks) in [(nil, 2), (2, 2)] as [(Int?, Int)] {
        let outcome = try run(3_000_000, processes: processes, ranks: ranks, in: folder)
        #expect(outcome.status == 0, "\(outcome.errors)")
      }
    }
  }
}
