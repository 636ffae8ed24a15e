import DLCluster
import DLCore
import DLJobs
import DLTestSupport
import DLTraining
import Foundation
import Testing

/// What `dltrain launch` decides, without starting anything.
@Suite
struct LaunchTests {
  @Test func hostfilesAreRead() throws {
    let text = """
      # two racks
      node1 slots=4   # the first
      node2\tslots=2 max_slots=8

      10.0.0.3 slots=1
      node1 slots=2
      """
    let file = try Hostfile(parsing: text, source: "hosts")
    #expect(file.hosts.map(\.name) == ["node1", "node2", "10.0.0.3"])
    #expect(file.hosts.map(\.slots) == [6, 2, 1])
    #expect(file.slots == 9)
    let rest = file.without(["node2", "nowhere"])
    #expect(rest.text == "node1 slots=6\n10.0.0.3 slots=1\n")
    #expect(try Hostfile(parsing: rest.text, source: "rest") == rest)
  }

  @Test func faultsOfAHostfileAreNamedByLine() {
    let text = "node1 slots=4\nnode2\nslots=3\nnode4 slots=none\nnode5 slots = 4\n"
    let error = #expect(throws: HostfileError.self) {
      try Hostfile(parsing: text, source: "hosts")
    }
    let lines = error?.lines ?? []
    #expect(lines.count == 4)
    for (number, line) in compared([2, 3, 4, 5], lines) {
      #expect(line.hasPrefix("hosts:\(number): "))
    }
    #expect(lines[0].contains("slots=N"))
    #expect(error?.exitCode == .usage)
    for empty in ["", "\n\n", "# nothing\n"] {
      let error = #expect(throws: HostfileError.self) { try Hostfile(parsing: empty, source: "h") }
      #expect(error?.description.contains("names no host") == true)
    }
  }

  private func words(_ change: (inout MPIRunCommand) -> Void) -> [String] {
    var command = MPIRunCommand()
    command.program = "/bin/dltrain"
    command.arguments = ["train", "job.yaml"]
    command.cores = 4
    change(&command)
    return command.words
  }

  @Test func ranksAreBoundWhereEachHasACore() throws {
    let few = words { $0.processes = 4 }
    #expect(few.starts(with: ["mpirun", "-n", "4", "--bind-to", "core"]))
    #expect(few.suffix(3) == ["/bin/dltrain", "train", "job.yaml"])
    let many = words { $0.processes = 5 }
    #expect(many.starts(with: ["mpirun", "-n", "5", "--oversubscribe", "--bind-to", "none"]))
    let threads = words {
      $0.processes = 2
      $0.ranksPerProcess = 4
    }
    #expect(threads.starts(with: ["mpirun", "-n", "2", "--bind-to", "none"]))
    let allocated = words {
      $0.processes = 64
      $0.isAllocated = true
    }
    #expect(allocated.starts(with: ["mpirun", "-n", "64", "--bind-to", "core"]))
  }

  @Test func aHostfileSaysWhatEachHostTakes() throws {
    for (text, binding) in [("a slots=4\nb slots=4\n", "core"), ("a slots=6\nb slots=2\n", "none")]
    {
      let list = try Hostfile(parsing: text, source: "hosts")
      let words = words {
        $0.processes = 8
        $0.hosts = ("hosts", list)
      }
      #expect(
        words.starts(with: ["mpirun", "-n", "8", "--hostfile", "hosts", "--bind-to", binding]))
      #expect(!words.contains("--oversubscribe"))
    }
  }

  @Test func optionsOfTheUserReplaceOurs() {
    let words = words {
      $0.processes = 8
      $0.options = ["-bind-to", "socket", "--mca", "oob_tcp_keepalive_time", "60"]
    }
    #expect(!words.contains("--bind-to"))
    #expect(words.filter { $0 == "oob_tcp_keepalive_time" }.count == 1)
    #expect(words.contains("oob_tcp_keepalive_probes"))
  }

  @Test func processesFitHostsAndRanks() {
    let rows: [(wanted: Int, slots: Int?, ranks: Int?, expected: Int?)] = [
      (6, nil, nil, 6), (6, 4, nil, 4), (6, 8, nil, 6), (6, 0, nil, nil),
      (6, 6, 6, 6), (6, 5, 6, 3), (6, 4, 6, 3), (6, 2, 6, 2), (6, 1, 6, 1), (6, 0, 6, nil),
      (4, 3, 8, 2), (8, 7, 12, 6), (5, 5, 8, 4),
    ]
    for row in rows {
      let found = RestartPolicy.processes(wanted: row.wanted, slots: row.slots, ranks: row.ranks)
      #expect(found == row.expected, "\(row)")
    }
  }

  @Test func whatBecomesOfAJobThatEnded() {
    let policy = RestartPolicy(maxRestarts: 2)
    func decide(
      _ status: Int32, sudden: Bool = false, restarts: Int = 0, stopping: Bool = false,
      checkpoint: Bool = true
    ) -> RestartPolicy.Decision {
      policy.decide(
        JobEnd(status: status, isSudden: sudden), restarts: restarts, isStopping: stopping,
        hasCheckpoint: checkpoint)
    }
    for code in [ExitCode.success, .usage, .data] {
      for stopping in [false, true] {
        #expect(decide(code.rawValue, stopping: stopping) == .finish(code))
      }
    }
    // A rank was killed, a host was lost, a rank was terminated, an internal fault, a full disk.
    for status: Int32 in [137, 205, 1, 70, 74] { #expect(decide(status) == .restart) }
    #expect(decide(75, sudden: true) == .restart)
    #expect(decide(75) == .finish(.resumable))
    #expect(decide(137, restarts: 1) == .restart)
    #expect(decide(137, restarts: 2) == .giveUp(.resumable))
    #expect(decide(1, restarts: 2, checkpoint: false) == .giveUp(.fault))
    #expect(decide(74, restarts: 2) == .giveUp(.io))
    #expect(decide(70, restarts: 2, checkpoint: false) == .giveUp(.fault))
    // The signal came before the ranks could take it, or a second one ended them: what the code is
    // then depends on what there is to go on from.
    for status: Int32 in [75, 137, 138, 143, 1] {
      #expect(decide(status, sudden: true, stopping: true) == .stop)
    }
    #expect(decide(74, stopping: true) == .finish(.io))
  }

  @Test func anEndIsReadAsItWasWritten() throws {
    let temporary = TemporaryFolder()
    let folder = temporary.path + "/run"
    #expect(EndFile.read(folder) == nil)
    let end = EndFile(
      kind: .standstill, exitCode: 70, message: "no rank went on", launch: "1-2", job: "a")
    try end.write(to: folder)
    #expect(EndFile.read(folder) == end)
    // The first of a job counts, whatever others of its processes find while it ends.
    try EndFile(kind: .signal, exitCode: 75, message: "terminated", launch: "1-2", job: "a")
      .write(to: folder)
    #expect(EndFile.read(folder) == end)
    let next = EndFile(kind: .signal, exitCode: 75, message: "said", launch: "1-3", job: "b")
    try next.write(to: folder)
    #expect(EndFile.read(folder) == next)
  }

  @Test func restartsWaitLongerAndLonger() {
    let delays = (1...8).map { RestartPolicy.delaySeconds(restart: $0) }
    #expect(delays.sorted() == delays)
    #expect(delays[0] <= 0.5)
    #expect(delays.allSatisfy { $0 <= 5 })
    #expect(RestartPolicy.delaySeconds(restart: 1_000_000) == delays[7])
  }

  @Test func theReasonOfAnEndIsFoundInWhatTheJobWrote() {
    func end(_ text: String, _ status: Int32, _ found: EndFile? = nil) -> JobEnd {
      var output = JobOutput()
      var text = text
      // Cut in two places, as a pipe would.
      text.withUTF8 { bytes in
        for range in [0..<bytes.count / 3, bytes.count / 3..<bytes.count] {
          output.read(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[range])))
        }
      }
      return output.end(status: status, found: found)
    }
    func left(_ kind: EndFile.Kind, _ message: String) -> EndFile {
      EndFile(kind: kind, exitCode: 70, message: message, launch: "1-2")
    }
    // What ranks say is for people: no sentence of theirs decides anything.
    let said = end("dltrain: terminated (rank 0 of 2): no rank went on for 600 s\n", 75)
    #expect(!said.isSudden)
    let killed = end(
      """
      dltrain: warning: 2 ranks of this process share 1 core
      dltrain: lost rank 1, whose process has ended (rank 0 of 2): the last checkpoint is r/c, go on
      --------------------------------------------------------------------------
      mpirun noticed that process rank 1 with PID 14 on node vm exited on signal 9 (Killed).

      """, 137, left(.lostRank, "lost rank 1, whose process has ended"))
    #expect(killed.isSudden)
    #expect(killed.reason == "rank 1 on vm: signal 9 (Killed)")
    #expect(!killed.isRefused)
    let refused = "mpirun: Error: unknown option \"--bogus\"\nType 'mpirun --help' for usage.\n"
    #expect(end(refused, 1).isRefused)
    // Where ranks have begun, it is a word of theirs.
    #expect(!end(refused, 70, left(.lostRank, "lost rank 1")).isRefused)
    // A rank may say the same, or the line be cut.
    #expect(end("mpirun noticed that process rank\n", 70).reason == "mpirun: exit code 70")
    let lost = end(
      """
      ORTE has lost communication with a remote daemon.

        HNP daemon   : [[8406,0],0] on node node1
        Remote daemon: [[8406,0],2] on node node3

      dltrain: terminated (rank 0 of 6): no checkpoint was written yet

      """, 205, left(.signal, "terminated"))
    #expect(lost.isSudden)
    #expect(lost.lostHosts == ["node3"])
    #expect(lost.reason == "lost node3")
    let message = "nothing was heard of node3 (rank 2) for 10 s: down, cut off or stopped"
    let silent = end("dltrain: whatever is said\n", 137, left(.silentHost, message))
    #expect(silent.reason == message)
    let full = end("dltrain: runs/a: cannot write: No space left on device (rank 0)\n", 74)
    #expect(!full.isSudden)
    #expect(full.reason.contains("No space left"))
    let failed = end("dltrain: first\n", 70, left(.error, "row 3 is no number (rank 1)"))
    #expect(!failed.isSudden)
    #expect(failed.reason == "row 3 is no number (rank 1)")
    #expect(end("", 1).reason == "mpirun: exit code 1")
    #expect(end("", 139).reason == "mpirun: ended by signal 11")
  }
}
