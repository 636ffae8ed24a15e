import DLData
import DLTensor
import DLTraining
import Testing

/// What is foreseen of a forward pass, against the memory that the first step's pass holds.
@Suite struct ActivationPassTests {
  @Test(arguments: TaskTests.jobs)
  func foreseenIsAtMostWhatIsHeld(job: (name: String, yaml: String)) throws {
    let bench = try TaskBench()
    let configuration = try Configuration.load(yaml: job.yaml + "\nsteps: 2", folder: bench.path)
    let context = Context(precision: .float32, seed: 1)
    let setup = try RunSetup(configuration, context: context, task: TaskInput.factory())
    let rows = 5
    let foreseen = try #require(try setup.keptBytes(ofRows: rows, context))
    let before = context.pool.heldBytes
    let order = setup.sampler.samples(ofEpoch: 0, lengths: setup.data.train.rowLengths)
    let size = configuration.batchSize / configuration.accumulate
    let lengths = setup.data.train.rowLengths
    let batch = try setup.data.train.batch(
      of: Array(order.prefix(rows)), TrainingData.transform(of: setup.data.train, configuration),
      context: context,
      longestRow: lengths.flatMap { lengths in order.prefix(size).map { Int(lengths[$0]) }.max() })
    context.isTraining = true
    context.beginForward(rowOffset: 0)
    let loss = try context.recording { try setup.task.lossSum(batch, phase: 0) }
    let held = context.pool.heldBytes - before
    #expect(loss.count == 1 && foreseen > 0)
    #expect(foreseen <= held, "\(job.name): \(foreseen) bytes foreseen, \(held) held")
    // Of a chain the outputs alone are foreseen; of all else what is kept but for masks of dropout.
    let isOfLoss = ["translation", "adversarial", "wasserstein", "hinge", "variational", "graph "]
      .contains { (job.name + " ").contains($0) }
    #expect(!isOfLoss || foreseen * 4 >= held, "\(job.name): \(foreseen) bytes, \(held) held")
    context.discardTape()
  }

  /// What a row of words keeps is as many pairs as its words give.
  @Test(arguments: TaskTests.wordJobs)
  func nothingIsForeseenOfWordVectors(job: (name: String, yaml: String)) throws {
    guard job.yaml.contains("word2vec") else { return }
    let bench = try TaskBench()
    let configuration = try Configuration.load(yaml: job.yaml + "\nsteps: 2", folder: bench.path)
    let context = Context(precision: .float32, seed: 1)
    let setup = try RunSetup(configuration, context: context, task: TaskInput.factory())
    #expect(try setup.keptBytes(ofRows: 3, context) == nil)
  }
}
