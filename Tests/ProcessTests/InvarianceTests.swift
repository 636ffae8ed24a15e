import DLTestSupport
import Testing

/// The same job at several numbers of ranks, as threads and as processes.
@Suite(.serialized)
struct InvarianceTests {
  private func train(
    _ folder: String, _ name: String, threads: Int? = nil, processes: Int? = nil,
    reduce: String? = nil, _ settings: String...
  ) throws -> [String: [UInt8]] {
    try train(
      folder, name, threads: threads, processes: processes, reduce: reduce, settings)
  }

  private func train(
    _ folder: String, _ name: String, threads: Int? = nil, processes: Int? = nil,
    reduce: String? = nil, _ settings: [String]
  ) throws -> [String: [UInt8]] {
    let configuration = try Job.write(to: folder)
    let run = "\(folder)/\(name)"
    var arguments = ["train", configuration, "--out", run]
    if let threads { arguments += ["--ranks", String(threads)] }
    if let reduce { arguments += ["--reduce", reduce] }
    for setting in ["steps=20"] + settings { arguments += ["--set", setting] }
    let outcome = try Program.run(arguments, processes: processes)
    #expect(outcome.status == 0, "\(name): \(outcome.errors)")
    return try Job.tensors(run, step: 20)
  }

  @Test func processesGiveTheBitsOfThreadsAndAgreeWithOneRank() throws {
    try TemporaryFolder.with { folder in
      let single = try train(folder, "single", threads: 1)
      for ranks in [2, 3, 4] {
        let threads = try train(folder, "threads-\(ranks)", threads: ranks)
        let processes = try train(folder, "processes-\(ranks)", processes: ranks)
        #expect(threads == processes, "\(ranks) ranks")
        let difference = Job.largestDifference(single, threads)
        #expect(difference < 1e-10, "\(ranks) ranks differ from one by \(difference)")
      }
    }
  }

  @Test func unevenAndEmptySharesChangeNothing() throws {
    try TemporaryFolder.with { folder in
      let single = try train(folder, "single", threads: 1)
      let threads = try train(folder, "threads", threads: 4, "shares=[7,5,3,0]")
      let processes = try train(folder, "processes", processes: 4, "shares=[7,5,3,0]")
      #expect(threads == processes)
      #expect(Job.largestDifference(single, threads) < 1e-10)
      let accumulated = try train(
        folder, "accumulated", processes: 2, "accumulate=2", "sync_batch_norm=true")
      #expect(accumulated.keys == single.keys)
    }
  }

  @Test(arguments: ["float64", "float32", "bfloat16"])
  func virtualRanksGiveTheSameBitsOnAnyNumberOfProcesses(precision: String) throws {
    try TemporaryFolder.with { folder in
      let settings = ["virtual_ranks=4", "precision=\(precision)"]
      let whole = try train(folder, "p1", settings[0], settings[1])
      for processes in [1, 2, 4] {
        let split = try train(
          folder, "mpi\(processes)", processes: processes, settings[0], settings[1])
        #expect(whole == split, "\(processes) processes")
      }
    }
  }

  /// With clipping, and with the norms of whole tensors, whose sums go over the owners of shares.
  @Test(
    arguments: [4, 6, 8],
    [
      "{name: sgd, lr: 0.05, momentum: 0.9, weight_decay: 5.0e-4, clip_norm: 0.5}",
      "{name: lamb, lr: 0.01, weight_decay: 0.01, clip_norm: 0.5}",
    ])
  func everyLayoutAndWayOfReductionGivesTheSameBits(ranks: Int, optimizer: String) throws {
    try TemporaryFolder.with { folder in
      let job = [
        "virtual_ranks=\(ranks)", "optimizer=\(optimizer)", "precision=float32",
      ]
      let whole = try train(folder, "threads", job[0], job[1], job[2])
      for processes in 1...ranks where ranks.isMultiple(of: processes) {
        for reduce in ["shared", "mpi"] {
          let split = try train(
            folder, "\(reduce)-\(processes)", processes: processes, reduce: reduce,
            job[0], job[1], job[2])
          #expect(whole == split, "\(processes) processes, \(reduce)")
        }
      }
    }
  }

  /// Muon with a matrix of three blocks, which ranks have parts of.
  @Test func matricesThatRanksShareGiveTheSameBits() throws {
    try TemporaryFolder.with { folder in
      let job = [
        "optimizer={name: muon, lr: 0.02, clip_norm: 0.5, groups: [{match: bias, name: adamw, lr: 0.003}]}",
        "model={layers: [flatten, {linear: {out: 600}}, relu, {linear: {out: 10}}]}",
      ]
      let single = try train(folder, "single", threads: 1, job)
      let three = try train(folder, "three", threads: 3, job)
      let difference = Job.largestDifference(single, three)
      #expect(difference < 1e-9, "3 ranks differ from one by \(difference)")
      let virtual = job + ["virtual_ranks=4", "precision=float32"]
      let whole = try train(folder, "threads", virtual)
      for processes in [1, 2, 4] {
        for reduce in ["shared", "mpi"] {
          let split = try train(
            folder, "\(reduce)-\(processes)", processes: processes, reduce: reduce, virtual)
          #expect(whole == split, "\(processes) processes, \(reduce)")
        }
      }
    }
  }

  /// Buckets that go during the backward pass hold what all gradients hold after it.
  @Test(arguments: [
    ["accumulate=2"],
    ["optimizer={name: lamb, lr: 0.01, clip_norm: 0.5}"],
    ["optimizer={name: adam, groups: [{match: \"0.*\", frozen: true}], lookahead: {k: 3}}"],
    ["shares=[7,5,3,0]", "optimizer={name: sgd, lr: 0.05, momentum: 0.9}"],
  ])
  func overlapGivesTheSameBits(settings: [String]) throws {
    try TemporaryFolder.with { folder in
      let job = settings + ["virtual_ranks=4", "precision=float32"]
      func run(_ name: String, _ processes: Int, _ overlap: String) throws -> [String: [UInt8]] {
        try train(
          folder, name, processes: processes, reduce: "mpi",
          job + ["overlap=\(overlap)", "bucket_cap_mb=0.002"])
      }
      let after = try run("after", 2, "off")
      for processes in [2, 4] {
        #expect(try run("during-\(processes)", processes, "on") == after, "\(processes) processes")
      }
    }
  }
}
