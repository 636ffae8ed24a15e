import DLCluster
import DLCore
import DLData
import DLFormats
import DLTensor
import DLTestSupport
import DLTraining
import Foundation
import Testing

/// Tasks beyond one network with one loss: the same training on any number of ranks, interrupted or
/// not.
@Suite struct TaskTests {
  static let jobs: [(name: String, yaml: String)] = [
    (
      "gpt",
      """
      data: {train: text/train.safetensors, validation: text/validation.safetensors, window: 9}
      model: {name: gpt, layers: 2, width: 12, heads: 3, dropout: 0.2}
      optimizer: {name: adamw, lr: 0.01, no_decay: [bias, norm], clip_norm: 1}
      batch_size: 5
      """
    ),
    (
      "masked language model",
      """
      data: {train: text/train.safetensors, validation: text/validation.safetensors, window: 9}
      model: {name: bert, layers: 1, width: 12, heads: 3, dropout: 0.2, mask_share: 0.3}
      optimizer: {name: adamw, lr: 0.01}
      batch_size: 5
      accumulate: 2
      """
    ),
    (
      "lstm with carried state",
      """
      data: {train: text/train.safetensors, validation: text/validation.safetensors, window: 9, order: sequential}
      model: {name: lstm_lm, layers: 2, hidden: 7, embedding: 5, dropout: 0.2}
      optimizer: {name: adam, lr: 0.01}
      batch_size: 5
      """
    ),
    (
      "chain with carried state",
      """
      data: {train: text/train.safetensors, validation: text/validation.safetensors, window: 9, order: sequential}
      model:
        layers:
          - {embedding: {entries: 64, size: 5}}
          - {gru: {hidden: 6, layers: 2, dropout: 0.2}}
          - {layer_norm: {}}
          - {lstm: {hidden: 7}}
          - {linear: {out: 64}}
      optimizer: {name: adam, lr: 0.01}
      batch_size: 5
      accumulate: 2
      """
    ),
    (
      "translation",
      """
      data: {train: pairs/pairs.safetensors, validation: pairs/pairs.safetensors, order: bucketed}
      model: {name: transformer, layers: 2, width: 12, heads: 3, feed_forward: 16, beam: 2}
      optimizer: {name: adam, lr: 0.01, betas: [0.9, 0.98]}
      schedule: {name: inverse_sqrt, warmup_steps: 4}
      batch_size: 6
      """
    ),
    (
      "recurrent translation",
      """
      data: {train: pairs/pairs.safetensors, validation: pairs/pairs.safetensors, order: bucketed}
      model: {name: seq2seq, layers: 2, width: 10, attention: additive, dropout: 0.1, beam: 2}
      optimizer: {name: adam, lr: 0.01}
      batch_size: 6
      """
    ),
    (
      "recurrent translation of one state",
      """
      data: {train: pairs/pairs.safetensors, validation: pairs/pairs.safetensors}
      model: {name: seq2seq, cell: lstm, width: 10, attention: none, dropout: 0, beam: 1}
      optimizer: {name: adam, lr: 0.01}
      batch_size: 6
      """
    ),
    (
      "generative adversarial",
      """
      data: {train: images.safetensors, normalize: {mean: [0.5], std: [0.5]}}
      model: {name: dcgan, latent: 6, width: 3}
      optimizers:
        generator: {name: adam, lr: 0.001, betas: [0.5, 0.999]}
        discriminator: {name: sgd, lr: 0.01, momentum: 0.5}
      batch_size: 7
      accumulate: 2
      """
    ),
    (
      "wasserstein, several critic steps, slope penalty",
      """
      data: {train: images.safetensors, validation: images.safetensors, normalize: {mean: [0.5], std: [0.5]}, classes: 3}
      model:
        name: gan
        latent: 4
        conditional: true
        objective: wasserstein
        critic_steps: 2
        gradient_penalty: 10
        generator: [{linear: {out: 6}}, tanh, {linear: {out: 784}}, tanh]
        discriminator: [{conv2d: {out: 2, kernel: 4, stride: 4}}, {leaky_relu: {negative_slope: 0.2}}, flatten, {linear: {out: 1}}]
      optimizers:
        generator: {name: adam, lr: 0.001, betas: [0.0, 0.9]}
        discriminator: {name: adam, lr: 0.002, betas: [0.0, 0.9]}
      batch_size: 7
      """
    ),
    (
      "hinge, spectral norm",
      """
      data: {train: images.safetensors, normalize: {mean: [0.5], std: [0.5]}}
      model:
        name: gan
        latent: 4
        objective: hinge
        generator: [{linear: {out: 98}}, {unflatten: {shape: [7, 7, 2]}}, relu, {conv_transpose2d: {out: 1, kernel: 4, stride: 4}}]
        discriminator:
          - {spectral_norm: {layers: [{conv2d: {out: 2, kernel: 4, stride: 4}}]}}
          - relu
          - flatten
          - {spectral_norm: {layers: [{linear: {out: 1}}]}}
      optimizer: {name: adam, lr: 0.001}
      batch_size: 7
      accumulate: 2
      """
    ),
    (
      "variational autoencoder",
      """
      data: {train: images.safetensors, validation: images.safetensors}
      model:
        name: vae
        latent: 3
        encoder: [flatten, {linear: {out: 8}}, relu]
        decoder: [{linear: {out: 8}}, relu, {linear: {out: 784}}]
      optimizer: {name: adam, lr: 0.005}
      batch_size: 7
      """
    ),
    (
      "graph",
      """
      data: {train: cora.safetensors, validation: cora.safetensors, order: sequential}
      model: {name: gcn, hidden: 6, dropout: 0.3}
      optimizer: {name: adam, lr: 0.01, groups: [{match: gc1.weight, weight_decay: 1.0e-3}]}
      batch_size: 8
      """
    ),
    (
      "graph attention",
      """
      data: {train: cora.safetensors, validation: cora.safetensors, order: sequential}
      model: {name: gat, hidden: 3, heads: 2, dropout: 0.3}
      optimizer: {name: adam, lr: 0.01}
      batch_size: 8
      """
    ),
    (
      "graphs",
      """
      data: {train: "embedded:motifs-validation", validation: "embedded:motifs-validation"}
      model: {name: gin, layers: 2, hidden: 4, dropout: 0.2}
      optimizer: {name: sgd, lr: 0.05, momentum: 0.9}
      batch_size: 7
      """
    ),
    (
      "graphsage",
      """
      data: {train: cora.safetensors, validation: cora.safetensors, order: sequential}
      model: {name: graphsage, hidden: 6, dropout: 0.3}
      optimizer: {name: adam, lr: 0.01}
      batch_size: 8
      """
    ),
  ]

  /// The job of that name.
  static func yaml(_ name: String) -> String {
    (jobs + wordJobs).first { $0.name == name }?.yaml ?? ""
  }

  @Test(arguments: jobs + wordJobs)
  func ranksAgreeAndRunsResume(job: (name: String, yaml: String)) throws {
    let bench = try TaskBench()
    let configuration = try Configuration.load(
      yaml: job.yaml + "\nsteps: 12\nprecision: float64\nvalidate: {every_steps: 5}",
      folder: bench.path)
    let alone = try train(configuration, bench.options("alone"))[0]
    #expect(alone.losses.count == 12)
    #expect(alone.losses[11] != alone.losses[0])
    #expect(alone.validations.isEmpty == !job.yaml.contains("validation: "))
    for ranks in [2, 3] {
      let several = try train(configuration, bench.options("\(ranks)"), ranks: ranks)
      let state = deviation(several[0].state, alone.state)
      #expect(state < 1e-10, "\(job.name), \(ranks) ranks: state differs by \(state)")
      #expect(deviation(several[0].losses, alone.losses) < 1e-10, "\(job.name)")
      for (mine, theirs) in zipped(several[0].validations, alone.validations) {
        #expect(deviation([mine.loss], [theirs.loss]) < 1e-10, "\(job.name)")
        #expect(mine.accuracy == theirs.accuracy, "\(job.name)")
        for (a, b) in zipped(mine.metrics, theirs.metrics) {
          let (mine, theirs) = ([a.value ?? .nan], [b.value ?? .nan])
          #expect(a.name == b.name && deviation(mine, theirs) < 1e-9, "\(job.name)")
        }
      }
    }
    // Stopped at a step within an epoch and at another number of ranks.
    for (before, after) in [(1, 1), (2, 3)] {
      let folder = "stopped-\(before)-\(after)"
      try train(configuration, bench.options(folder) { $0.stopAtStep = 7 }, ranks: before)
      let resumed = try train(
        configuration, bench.options(folder) { $0.resume = .automatic }, ranks: after)[0]
      #expect(resumed.startStep == 7)
      if before == after {
        #expect(resumed.parameters == alone.parameters, "\(job.name)")
        #expect(resumed.buffers == alone.buffers, "\(job.name)")
      } else {
        #expect(deviation(resumed.state, alone.state) < 1e-10, "\(job.name)")
      }
    }
  }

  /// Every node of a graph is predicted; those that validated the run are right as often as then.
  @Test func nodesArePredicted() throws {
    let bench = try TaskBench()
    let configuration = try Configuration.load(
      yaml: TaskTests.yaml("graph") + "\nsteps: 30\n", folder: bench.path)
    let trained = try train(configuration, bench.options("nodes"))[0]
    var text = ""
    let path = bench.path + "/cora.safetensors"
    #expect(try LoadedRun(bench.path + "/nodes").predict(path) { text += $0 } == 40)
    let classes = text.split(separator: "\n").dropFirst().map { line in
      Int32(line.split(separator: ",")[1]) ?? -1
    }
    #expect(classes.count == 40)
    let graph = try GraphFile(path: path)
    let nodes = graph.nodes(.validation)
    let right = nodes.count { classes[$0] == graph.labels[$0] }
    #expect(trained.validations.last?.accuracy == Double(right) / Double(nodes.count))
  }

  @Test func aTextHasNoRowsToPredict() throws {
    let bench = try TaskBench()
    let configuration = try Configuration.load(
      yaml: TaskTests.yaml("lstm with carried state") + "\nsteps: 1\n", folder: bench.path)
    try train(configuration, bench.options("reader"))
    let found = refusal {
      try LoadedRun(bench.path + "/reader").predict(bench.path + "/text/train.safetensors") { _ in }
    }
    #expect(found.contains("is one text") && found.contains("use generate RUN"), "\(found)")
  }

  /// A model that sees the state of the stretch before does better than one that starts anew.
  @Test func stateIsCarriedFromStepToStep() throws {
    let bench = try TaskBench()
    let lstm = TaskTests.yaml("lstm with carried state") + "\nsteps: 3\nprecision: float64\n"
    let carried = try train(
      Configuration.load(yaml: lstm, folder: bench.path), bench.options("carried"))[0]
    let fresh = try train(
      Configuration.load(
        yaml: lstm, folder: bench.path, overrides: ["data.order=shuffled"]),
      bench.options("fresh"))[0]
    let checkpoint = try SafetensorsFile(path: bench.checkpoint("carried", step: 3))
    #expect(try checkpoint.info("carried.hidden.0").shape == [5, 2, 7])
    #expect(try checkpoint.info("carried.cell.0").shape == [5, 2, 7])
    let other = try SafetensorsFile(path: bench.checkpoint("fresh", step: 3))
    #expect(!other.tensors.contains { $0.name.hasPrefix("carried.") })
    #expect(carried.losses != fresh.losses)
    // The state belongs to texts that other batches would not go on with.
    for (override, words) in [
      ("batch_size=4", "was saved with batch_size 5, this run has 4"),
      ("accumulate=2", "carries the states of accumulate 1, this run has 2"),
    ] {
      let other = try Configuration.load(
        yaml: lstm, folder: bench.path, overrides: [override, "steps=6"])
      let found = refusal {
        try train(other, bench.options("carried") { $0.resume = .automatic })
      }
      #expect(found.contains(words), "\(found)")
    }
  }

  /// The lines of predict, in the order of the sentences, are what evaluate judges.
  @Test func translationsAreWrittenAsLines() throws {
    let bench = try TaskBench()
    let configuration = try Configuration.load(
      yaml: TaskTests.yaml("translation") + "\nsteps: 150\n", folder: bench.path)
    try train(configuration, bench.options("run"))
    let run = try LoadedRun(bench.path + "/run")
    let pairs = bench.path + "/pairs/pairs.safetensors"
    var text = ""
    #expect(try run.predict(pairs) { text += $0 } == 20)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    let references = try ParallelText.targets(path: pairs).map { [$0] }
    let bleu = try BLEU(lines.map(String.init), references: references).score
    let metrics = try run.evaluate(data: pairs, communicator: SingleRank()).metrics
    #expect(metrics.map(\.name) == ["bleu"] && abs((metrics[0].value ?? 0) - bleu) < 1e-9)
    #expect(bleu > 1)
  }

  @Test func endsAfterValidationsWithoutABest() throws {
    let bench = try TaskBench()
    let graph = TaskTests.yaml("graph") + "\nsteps: 60\n"
    // With a learning rate of 0 nothing becomes better than the first validation.
    let overrides = [
      "optimizer.lr=0", "validate={every_steps: 2, patience: 3, judge: loss}",
    ]
    let configuration = try Configuration.load(
      yaml: graph, folder: bench.path, overrides: overrides)
    let run = try train(configuration, bench.options("ended"))[0]
    #expect(run.finished && run.losses.count == 8 && run.validations.count == 4)
    let again = try train(
      configuration, bench.options("ended") { $0.resume = .automatic })[0]
    #expect(again.finished && again.losses.isEmpty)
  }

  @Test func optimizersOfPartsThatAreNotThere() throws {
    let bench = try TaskBench()
    let configuration = try Configuration.load(
      yaml: TaskTests.yaml("generative adversarial"), folder: bench.path,
      overrides: ["optimizers.critic={name: sgd}"])
    #expect {
      try train(configuration, bench.options("none"))
    } throws: {
      "\($0)".contains(
        "optimizers.critic: the model has no such part, only discriminator, generator")
    }
  }
}
