import DLTestSupport
import Foundation
import Testing

/// What becomes of output that cannot be written, and of a process that crashes.
@Suite(.serialized)
struct OutputTests {
  private func run(_ command: String, in folder: String) throws -> Outcome {
    try Program.startCommand(["sh", "-c", command, Program.path], in: folder).wait()
  }

  /// A device that takes nothing; training has done its work all the same, and nobody reads behind
  /// a closed pipe.
  @Test func whatCannotBeWrittenIsToldOnce() throws {
    try TemporaryFolder.with { folder in
      let config = try Job.write(to: folder)
      let trained = try run("$0 train \(config) --ranks 2 --out run > /dev/full", in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      for words in ["recipes", "inspect \(config)", "config \(config)", "evaluate run --ranks 2"] {
        let outcome = try run("$0 \(words) > /dev/full", in: folder)
        #expect(outcome.status == 74, "\(words)")
        #expect(
          outcome.faults == [
            "dltrain: standard output: cannot write: No space left on device, check the space left"
          ], "\(words): \(outcome.errors)")
      }
      let closed = try run("($0 recipes; echo $? >&2) | true", in: folder)
      #expect(closed.errors == "0\n")
    }
  }

  /// The system ends the process; it saves nothing that it may have spoiled.
  @Test(arguments: [SIGSEGV, SIGABRT, SIGQUIT])
  func aCrashEndsTheProcess(signal: Int32) throws {
    try TemporaryFolder.with { folder in
      let running = try Program.start(RunEndJob.endless(folder, savesEvery: 1_000_000))
      #expect(RunEndJob.reachesSteps(running, folder + "/run"))
      for process in running.ranks { kill(process, signal) }
      let outcome = running.wait()
      #expect(outcome.status == 128 + signal, "\(outcome.errors)")
      #expect(outcome.errors.isEmpty, "\(outcome.errors)")
      #expect(!RunEndJob.hasCheckpoint(folder + "/run"))
    }
  }

  /// Each of them names the page that has the option.
  @Test func faultsOfOptionsNameTheCommand() throws {
    try TemporaryFolder.with { folder in
      for (words, verb) in [
        ("data pack csv a.csv -o b --separator ab", "data pack csv"),
        ("bench ops --no", "bench ops"),
        ("evaluate a --no", "evaluate"), ("data pack nothing", "data pack"),
      ] {
        let outcome = try run("$0 \(words)", in: folder)
        #expect(outcome.status == 64, "\(words)")
        #expect(
          outcome.faults.count == 1 && outcome.errors.hasSuffix("see dltrain \(verb) --help\n"))
      }
    }
  }

  @Test func rowsThatOthersChooseAreNotParted() throws {
    try TemporaryFolder.with { folder in
      for (words, option) in [
        ("csv a.csv --validation b.csv --folds 2", "--validation"),
        ("csv a.csv --like b.safetensors --split 0.5", "--like"),
        ("sentences a.tsv --validation b.tsv --stratify", "--validation"),
        ("audio sounds --test index=1 --like b.safetensors --folds 2", "--test and --like"),
      ] {
        let outcome = try run("$0 data pack \(words) -o packed", in: folder)
        #expect(outcome.status == 64, "\(words)")
        #expect(
          outcome.errors.contains("\(option): with it no rows are parted, leave out --split"),
          "\(outcome.errors)")
      }
    }
  }
}
