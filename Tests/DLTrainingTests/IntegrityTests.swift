import DLCluster
import DLData
import DLFormats
import DLTestSupport
import DLTraining
import Foundation
import Testing

/// Memory that changes while a run is going on, and runs in which none does.
@Suite struct IntegrityTests {
  /// Every optimizer, and everything that writes parameters beside it.
  static let settings: [[String]] =
    [
      "sgd", "sgd, momentum: 0.9", "adam", "adamw", "nadam", "radam", "lion", "adagrad",
      "adadelta", "rmsprop", "lars", "lamb", "lbfgs, max_iter: 2", "newton, max_iter: 2",
      "sgd, constraints: [{match: \"12.weight\", max_norm: 1}]",
      "sgd, constraints: [{match: \"12.weight\", sum: 1, by: multipliers}]",
      "muon, groups: [{match: \"bias|norm\", name: adamw, lr: 0.003}]",
      "sgd, momentum: 0.9, sam: {rho: 0.05}",
      "adam, lookahead: {k: 2, alpha: 0.5}, groups: [{match: \"0.*\", frozen: true}]",
    ].map { ["optimizer={name: \($0), lr: 0.001}"] }
    + [
      ["average={name: ema, decay: 0.8}"],
      ["average={name: swa, start_steps: 2, every_steps: 2}"],
      ["sync_batch_norm=false"], ["non_finite=skip", "optimizer={name: sgd, lr: 1.0e+300}"],
    ]

  /// With every check at every step a run goes through, to the bits of one without checks.
  @Test(arguments: settings)
  func nothingIsReportedWhereNothingChanges(_ overrides: [String]) throws {
    let bench = try Workbench()
    let common =
      overrides + ["steps=6", "validate={every_steps: 2}", "checkpoint={every_steps: 3}"]
    let off = try bench.configuration(
      common + ["integrity={check_updates: false, compare_every_steps: null}"])
    let on = try bench.configuration(common + ["integrity={compare_every_steps: 1}"])
    for ranks in [1, 3] {
      let plain = try train(off, bench.options("plain-\(ranks)"), ranks: ranks)
      let checked = try train(on, bench.options("checked-\(ranks)"), ranks: ranks)
      for (mine, theirs) in compared(checked, plain) {
        #expect(mine.parameters == theirs.parameters && mine.buffers == theirs.buffers)
      }
      try train(on, bench.options("cut-\(ranks)") { $0.stopAtStep = 4 }, ranks: ranks)
      let rest = try train(
        on, bench.options("cut-\(ranks)") { $0.resume = .automatic }, ranks: ranks)
      #expect(rest[0].parameters == plain[0].parameters)
    }
  }

  /// Trains on a thread group while `change` is called after each step of each rank; what came of it.
  private func failure(
    _ overrides: [String], ranks: Int, _ bench: Workbench,
    change: @escaping @Sendable (Trainer, _ rank: Int, _ step: Int) -> Void
  ) throws -> RankFailure? {
    let job = try bench.configuration(["steps=8", "validate={every_steps: 100}"] + overrides)
    let options = bench.options("run")
    return #expect(throws: RankFailure.self) {
      try ThreadGroup.run(ranks: ranks) { communicator in
        let meddler = Meddler(communicator.rank, change)
        let trainer = try Trainer(
          job, options: options, communicator: communicator, observers: [meddler])
        meddler.trainer = trainer
        _ = try trainer.train()
      }
    }
  }

  /// Shared parameters, checked by the update of whoever owns them; no checkpoint is written after.
  @Test(arguments: [1, 3])
  func aFlippedBitOfAParameterEndsTheRun(_ ranks: Int) throws {
    for (offset, name) in [(0, "0.weight"), (8, "0.weight")] {
      let bench = try Workbench()
      let error = try failure(["checkpoint={every_steps: 1}"], ranks: ranks, bench) {
        trainer, rank, step in
        guard rank == 0, step == 3 else { return }
        trainer.arena.values.assumingMemoryBound(to: UInt64.self)[offset] ^= 1 << 30
      }
      #expect(error?.exitCode == .fault)
      let text = error?.description ?? ""
      #expect(text.contains("\(name) has changed in memory"), "\(text)")
      #expect(FileManager.default.fileExists(atPath: bench.checkpoint("run", step: 2)))
      #expect(!FileManager.default.fileExists(atPath: bench.checkpoint("run", step: 4)))
    }
  }

  /// A frozen parameter is read by no update; the checkpoint's check finds it.
  @Test func aFrozenParameterIsCheckedBeforeItIsSaved() throws {
    let bench = try Workbench()
    let error = try failure(
      ["optimizer={groups: [{match: \"0.*\", frozen: true}]}", "checkpoint={every_steps: 6}"],
      ranks: 2, bench
    ) { trainer, rank, step in
      guard rank == 0, step == 2 else { return }
      trainer.arena.values.assumingMemoryBound(to: UInt64.self)[5] ^= 1
    }
    let text = error?.description ?? ""
    #expect(text.contains("step 6: 0.weight has changed in memory"), "\(text)")
    #expect(!FileManager.default.fileExists(atPath: bench.checkpoint("run", step: 6)))
  }

  /// A weight that is no number for one step: what the forward pass made of the carried state goes no further.
  @Test func aSkippedStepLeavesTheCarriedStateAsItWas() throws {
    let bench = try TaskBench()
    let job = try Configuration.load(
      yaml: """
        data: {train: text/train.safetensors, window: 9, order: sequential}
        model: {name: lstm_lm, layers: 2, hidden: 7, embedding: 5}
        optimizer: {name: sgd, lr: 0.01}
        integrity: {check_updates: false, compare_every_steps: null}
        non_finite: skip
        batch_size: 5
        accumulate: 2
        """, folder: bench.path, overrides: ["steps=6", "precision=float64"])
    nonisolated(unsafe) var kept = 0.0
    let meddler = Meddler(0) { trainer, _, step in
      let weight = trainer.arena.values.assumingMemoryBound(to: Double.self)
      if step == 2 { (kept, weight.pointee) = (weight.pointee, .nan) }
      if step == 3 { weight.pointee = kept }
    }
    let trainer = try Trainer(
      job, options: bench.options("run"), communicator: SingleRank(), observers: [meddler])
    meddler.trainer = trainer
    _ = try trainer.train()
    let losses = try metrics(bench.path + "/run").map { $0["loss"]?.double ?? .nan }
    #expect(losses.map(\.isFinite) == [true, true, false, true, true, true], "\(losses)")
  }

  /// A value that has become huge shows as a loss that is none; it is the memory that is named.
  @Test func aChangeThatMakesTheLossNoNumberIsNamedAsWhatItIs() throws {
    let bench = try Workbench()
    let error = try failure([], ranks: 2, bench) { trainer, rank, step in
      guard rank == 0, step == 3 else { return }
      trainer.arena.values.assumingMemoryBound(to: Double.self)[2] = .nan
    }
    #expect(error?.exitCode == .fault)
    #expect(error?.description.contains("step 4: 0.weight has changed") == true)
  }

  /// With SAM each rank has parameters of its own.
  @Test func theRankWhoseCopyDiffersIsNamed() throws {
    let bench = try Workbench()
    let sam = ["optimizer={name: sgd, lr: 0.01, sam: {rho: 0.1}}"]
    let integrity = ["integrity={check_updates: false, compare_every_steps: 4}"]
    let error = try failure(sam + integrity, ranks: 3, bench) { trainer, rank, step in
      guard rank == 1, step == 1 else { return }
      trainer.arena.values.assumingMemoryBound(to: UInt64.self)[3] ^= 1 << 40
    }
    #expect(error?.exitCode == .fault)
    let text = error?.description ?? ""
    #expect(text.contains("step 4: rank 1 holds another 0.weight"), "\(text)")
  }

  @Test func aBufferThatDiffersIsNamed() throws {
    let bench = try Workbench()
    let error = try failure(["integrity={compare_every_steps: 3}"], ranks: 3, bench) {
      trainer, rank, step in
      guard rank == 2, step == 1 else { return }
      trainer.arena.bufferBytes.storeBytes(of: 0.25, as: Double.self)
    }
    let text = error?.description ?? ""
    #expect(text.contains("step 3: rank 2 holds another 1.running_mean"), "\(text)")
    let two = try Workbench()
    let other = try failure(["checkpoint={every_steps: 2}"], ranks: 2, two) { trainer, rank, step in
      guard rank == 1, step == 1 else { return }
      trainer.arena.bufferBytes.storeBytes(of: 0.25, as: Double.self)
    }
    let words = other?.description ?? ""
    #expect(words.contains("1.running_mean is not the same on rank 0 and on rank 1"), "\(words)")
    #expect(!FileManager.default.fileExists(atPath: two.checkpoint("run", step: 2)))
  }

  @Test func keysAreChecked() throws {
    let bench = try Workbench()
    let faults = #expect(throws: (any Error).self) {
      try bench.configuration(["integrity={check_update: true}"])
    }
    #expect("\(faults.map { "\($0)" } ?? "")".contains("check_updates"))
    #expect(throws: (any Error).self) {
      try bench.configuration(["integrity.compare_every_steps=0"])
    }
    let job = try bench.configuration(["integrity={compare_every_steps: null}"])
    #expect(job.integrity.checkUpdates && job.integrity.compareEverySteps == nil)
    #expect(try bench.configuration().integrity.compareEverySteps == 100)
  }
}

/// Changes memory, or files, after steps.
final class Meddler: TrainingObserver {
  let observesEveryRank = true
  weak var trainer: Trainer?
  private let rank: Int
  private let change: (Trainer, Int, Int) -> Void

  init(_ rank: Int, _ change: @escaping (Trainer, Int, Int) -> Void) {
    self.rank = rank
    self.change = change
  }

  func didStep(_ report: StepReport) {
    if let trainer { change(trainer, rank, report.step) }
  }
}
