import DLTestSupport
import DLTraining
import Testing

/// The same global batches on any number of ranks, however the rows are spread, give the same
/// training.
@Suite struct RankInvarianceTests {
  /// Ranks, and what else is set for that run.
  static let layouts: [(ranks: Int, overrides: [String])] = [
    (2, []), (3, []), (4, []), (4, ["shares=[7,5,3,0]"]), (2, ["shares=[1,0]"]),
    (3, ["shares=[0,1,2]"]),
  ]

  /// What the whole job is varied by.
  static let jobs: [[String]] = [
    [], ["accumulate=2"], ["optimizer={name: adamw, lr: 0.01, clip_norm: 2}"],
    ["data.last_batch=merge", "data.order=sequential"],
    ["data.augment=[{pad_crop: {padding: 2}}, flip, {cutout: {size: 2}}, brightness, contrast]"],
    ["data.augment=[{pad_crop: {padding: 2, padding_mode: reflect}}, alternating_flip]"],
    ["data.augment=[{pad_crop: {padding: 2}}, alternating_flip]", "data.repeats=2"],
  ]

  @Test(arguments: jobs)
  func ranksAgreeWithOne(job: [String]) throws {
    let bench = try Workbench()
    let alone = try train(bench.configuration(job), bench.options("alone"))[0]
    #expect(alone.losses.count == 20 && alone.validations.count == 5)
    for (index, layout) in RankInvarianceTests.layouts.enumerated() {
      let ranks = try train(
        bench.configuration(job + layout.overrides), bench.options("\(index)"), ranks: layout.ranks)
      let what = "\(job), \(layout.ranks) ranks, \(layout.overrides)"
      let state = deviation(ranks[0].state, alone.state)
      #expect(state < 1e-10, "\(what): state differs by \(state)")
      #expect(deviation(ranks[0].losses, alone.losses) < 1e-10, "\(what)")
      for (mine, theirs) in compared(ranks[0].validations, alone.validations) {
        #expect(deviation([mine.loss], [theirs.loss]) < 1e-10, "\(what)")
        #expect(mine.accuracy == theirs.accuracy && mine.rows == 23, "\(what)")
      }
      for rank in ranks {
        #expect(rank.parameters == ranks[0].parameters, "\(what)")
        #expect(rank.buffers == ranks[0].buffers, "\(what)")
      }
      let again = try train(
        bench.configuration(job + layout.overrides), bench.options("\(index)-again"),
        ranks: layout.ranks)
      #expect(again[0].parameters == ranks[0].parameters, "\(what): the same run gives other bits")
    }
  }

  /// Without synchronization the statistics, and so the run, depend on the ranks.
  @Test func statisticsOfOneRankDiffer() throws {
    let bench = try Workbench()
    let alone = try train(bench.configuration(), bench.options("alone"))[0]
    let apart = try train(
      bench.configuration(["sync_batch_norm=false"]), bench.options("apart"), ranks: 2)
    #expect(deviation(apart[0].losses, alone.losses) > 1e-6)
  }

  @Test func warmStepsTakeNoMemory() throws {
    let bench = try Workbench()
    for ranks in [1, 2] {
      let result = try train(
        bench.configuration(["data.order=shuffled"]), bench.options("\(ranks)"), ranks: ranks)[0]
      let counts = result.poolAllocations
      // The short batch of an epoch comes at step 5, the first validation at step 4.
      #expect(counts.count == 20 && counts[2] > 0 && counts[6] == counts[19], "\(counts)")
    }
    let even = try train(
      bench.configuration(["batch_size=14", "data.validation=null"]), bench.options("even"))[0]
    #expect(even.poolAllocations[2] == even.poolAllocations[19], "\(even.poolAllocations)")
  }
}
