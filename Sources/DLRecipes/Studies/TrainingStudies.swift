// What training itself depends on.
extension StudyRecipe {
  /// Signals through fifty layers.
  static let fiftyLayers = StudyRecipe(
    name: "fifty-layers",
    summary: "activation, first weights and normalization against vanishing over 50 layers",
    yaml: """
      name: fifty-layers
      job: mlp-digits
      set: {model.depth: 50, epochs: 5, optimizer: {name: sgd, lr: 0.01, momentum: 0.9}}
      grid:
        model.activation: [sigmoid, tanh, relu]
        model.initialization: [small, xavier, he, orthogonal]
        model.normalization: [none, batch, layer]
      table: [validation.accuracy, validation.loss, train.loss]
      plot: {x: model.normalization, y: validation.accuracy}
      """)

  /// Vectors of words that were learned before.
  static let pretrainedVectors = StudyRecipe(
    name: "pretrained-vectors",
    summary: "sentiment from vectors of word2vec: frozen, slow, free, and from scratch",
    yaml: """
      name: pretrained-vectors
      # Vectors: dltrain neighbors RUN of skipgram-polarity -o vectors.txt
      # Data: dltrain data pack vectors vectors.txt --like polarity/train.safetensors \\
      #         -o vectors.safetensors
      job: gru-polarity
      set:
        data.train: polarity/train.safetensors
        data.validation: polarity/validation.safetensors
        model.layers.0.embedding.size: 100
      runs:
        - {name: from scratch}
        - name: frozen
          set:
            init: {from: vectors.safetensors, strict: false}
            model.layers.0.embedding.frozen: true
        - name: slow
          set:
            init: {from: vectors.safetensors, strict: false}
            optimizer.groups: [{match: "0.weight", lr: 1.0e-4}]
        - {name: free, set: {init: {from: vectors.safetensors, strict: false}}}
      seeds: [1, 2, 3]
      table: [validation.accuracy, best.accuracy, validation.loss, train.loss]
      plot: {x: epoch, y: validation.accuracy}
      """)

  /// Rows of a step.
  static let batchSizes = StudyRecipe(
    name: "batch-sizes", summary: "the same epochs in batches of 8 to 512 rows: accuracy and time",
    yaml: """
      name: batch-sizes
      job: digits
      set: {schedule: {name: constant}, optimizer.lr: 0.02}
      grid: {batch_size: [8, 32, 128, 512]}
      seeds: [1, 2, 3]
      table: [validation.accuracy, validation.loss, train.loss, steps, seconds]
      plot: {x: batch_size, y: validation.accuracy, log_x: true}
      """)

  /// Rules of an update.
  static let optimizers = StudyRecipe(
    name: "optimizers", summary: "optimizers side by side, each at a rate of its own",
    yaml: """
      name: optimizers
      job: digits
      set: {epochs: 5, schedule: {name: constant}}
      runs:
        - {name: sgd, set: {optimizer: {name: sgd, lr: 0.1}}}
        - {name: momentum, set: {optimizer: {name: sgd, lr: 0.05, momentum: 0.9}}}
        - {name: nesterov, set: {optimizer: {name: sgd, lr: 0.05, momentum: 0.9, nesterov: true}}}
        - {name: adagrad, set: {optimizer: {name: adagrad, lr: 0.02}}}
        - {name: rmsprop, set: {optimizer: {name: rmsprop, lr: 0.001}}}
        - {name: adadelta, set: {optimizer: {name: adadelta, lr: 1.0}}}
        - {name: adam, set: {optimizer: {name: adam, lr: 0.003}}}
        - {name: adamw, set: {optimizer: {name: adamw, lr: 0.003, weight_decay: 0.01}}}
        - {name: nadam, set: {optimizer: {name: nadam, lr: 0.003}}}
        - {name: radam, set: {optimizer: {name: radam, lr: 0.003}}}
        - {name: lion, set: {optimizer: {name: lion, lr: 0.0005}}}
        - name: muon
          set:
            optimizer:
              name: muon
              lr: 0.02
              groups: [{match: "bias|norm", name: adamw, lr: 0.003}]
      seeds: [1, 2, 3]
      table: [validation.accuracy, validation.loss, train.loss, seconds]
      plot: {x: step, y: train.loss, log_y: true}
      """)

  /// The rate over time.
  static let schedules = StudyRecipe(
    name: "schedules", summary: "schedules of the learning rate side by side",
    yaml: """
      name: schedules
      job: digits
      set: {epochs: 10, optimizer: {name: sgd, lr: 0.1, momentum: 0.9}}
      grid:
        schedule:
          - {name: constant}
          - {name: step, step_epochs: 4}
          - {name: exponential, step_epochs: 1, gamma: 0.7}
          - {name: polynomial}
          - {name: cosine}
          - {name: cosine, warmup_epochs: 1}
          - {name: cosine_restarts, t_0_epochs: 5}
          - {name: one_cycle}
          - {name: reduce_on_plateau, patience: 1, factor: 0.3}
      seeds: [1, 2, 3]
      table: [validation.accuracy, validation.loss, train.loss]
      plot: {x: epoch, y: train.loss, log_y: true}
      """)

  /// Batch norm, layer norm and none.
  static let normalizations = StudyRecipe(
    name: "normalizations", summary: "batch norm, layer norm and none over learning rates",
    yaml: """
      name: normalizations
      job: mlp-digits
      set: {model.depth: 4, epochs: 10, optimizer: {name: sgd, lr: 0.1}}
      grid:
        model.normalization: [none, batch, layer]
        optimizer.lr: [0.01, 0.1, 1.0, 3.0]
      seeds: [1, 2, 3]
      table: [validation.accuracy, validation.loss, train.loss]
      plot: {x: optimizer.lr, y: validation.accuracy, log_x: true}
      """)

  /// Statistics of all ranks and of each by itself.
  static let smallBatches = StudyRecipe(
    name: "small-batches",
    summary: "SyncBN against statistics of each of 4 ranks alone, in batches of 8 to 64 rows",
    yaml: """
      name: small-batches
      job: digits
      set: {virtual_ranks: 4, epochs: 5, schedule: {name: constant}, optimizer.lr: 0.02}
      grid:
        sync_batch_norm: [true, false]
        batch_size: [8, 16, 64]
      seeds: [1, 2, 3]
      table: [validation.accuracy, validation.loss, train.loss]
      plot: {x: batch_size, y: validation.accuracy, log_x: true}
      """)
}
