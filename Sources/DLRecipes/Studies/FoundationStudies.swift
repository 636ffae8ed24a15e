// Comparisons that a course begins with.
extension StudyRecipe {
  /// A comparison of measures of a probability's error.
  static let crossEntropyOrSquares = StudyRecipe(
    name: "cross-entropy-or-squares",
    summary: "cross-entropy against the squared error of probabilities, from far and from near",
    yaml: """
      name: cross-entropy-or-squares
      job: softmax-regression
      set: {model: {name: mlp, depth: 0}, epochs: 20}
      runs:
        - {name: near, set: {optimizer.lr: 0.05}}
        - {name: far, set: {optimizer.lr: 0.05, data.normalize: {mean: [0.0], std: [0.01]}}}
      grid: {loss: [cross_entropy, brier]}
      seeds: [1, 2, 3]
      table: [validation.accuracy, validation.loss, train.loss]
      plot: {x: epoch, y: validation.accuracy}
      """)

  /// A count of the units, by their kind, that make a curve.
  static let curveUnits = StudyRecipe(
    name: "curve-units", summary: "a curve as a sum of sigmoids, hard sigmoids or ReLUs",
    yaml: """
      name: curve-units
      job: curve
      grid:
        model.activation: [sigmoid, hardsigmoid, relu]
        model.hidden: [4, 16, 64]
      seeds: [1, 2, 3]
      table: [validation.loss, best.loss, parameters, seconds]
      plot: {x: model.hidden, y: validation.loss, log_x: true, log_y: true}
      """)

  /// A perceptron with each activation.
  static let activations = StudyRecipe(
    name: "activations", summary: "a perceptron with each activation",
    yaml: """
      name: activations
      job: mlp-digits
      grid:
        model.activation:
          - sigmoid
          - tanh
          - relu
          - leaky_relu
          - elu
          - selu
          - gelu
          - silu
          - softplus
          - hardswish
          - {maxout: {pieces: 2}}
      seeds: [1, 2, 3]
      table: [validation.accuracy, validation.loss, train.loss, parameters]
      """)

  /// Many narrow layers or few wide ones.
  static let deepOrWide = StudyRecipe(
    name: "deep-or-wide", summary: "depth against width at some 10,000 parameters",
    yaml: """
      name: deep-or-wide
      job: mlp-digits
      runs:
        - {name: 1 x 133, set: {model.depth: 1, model.hidden: 133}}
        - {name: 2 x 69, set: {model.depth: 2, model.hidden: 69}}
        - {name: 4 x 46, set: {model.depth: 4, model.hidden: 46}}
        - {name: 8 x 32, set: {model.depth: 8, model.hidden: 32}}
      seeds: [1, 2, 3]
      table: [validation.accuracy, validation.loss, train.loss, parameters]
      """)

  /// A comparison of remedies where there is too little to learn from.
  static let remedies = StudyRecipe(
    name: "overfitting", summary: "a large network on 100 rows, and what helps",
    yaml: """
      name: overfitting
      job: mlp-digits
      set:
        data.train: embedded:digits-100
        data.normalize: {mean: [0.3], std: [0.37]}
        model: {name: mlp, hidden: 256, depth: 2}
        batch_size: 50
        epochs: null
        steps: 600
        validate: {every_steps: 20}
      runs:
        - {name: nothing done}
        - {name: more data, set: {data.train: "embedded:digits-train"}}
        - {name: augmentation, set: {data.augment: [{pad_crop: {padding: 1}}]}}
        - {name: fewer parameters, set: {model.hidden: 24, model.depth: 1}}
        - {name: weight decay, set: {optimizer: {name: adamw, lr: 0.001, weight_decay: 1.0}}}
        - {name: dropout, set: {model.dropout: 0.5}}
        - {name: early stopping, set: {validate: {every_steps: 20, patience: 5, judge: loss}}}
        - {name: too few parameters, set: {model.hidden: 2, model.depth: 1}}
      table: [validation.accuracy, validation.loss, train.loss, steps, parameters]
      """)

  /// A class for what belongs to none: without it, whatever comes is called one of those that are known.
  static let dummyClass = StudyRecipe(
    name: "dummy-class",
    summary: "digits 0 to 4 and one class for all others, which do not count, few or all",
    yaml: """
      name: dummy-class
      # Data: dltrain data pack subset embedded:digits-train --classes 0,1,2,3,4 --rest other \\
      #         --per-class 20 -o dummy/few.safetensors
      # Data: dltrain data pack subset embedded:digits-train --classes 0,1,2,3,4 --rest other \\
      #         -o dummy/all.safetensors
      # Data: dltrain data pack subset embedded:digits-validation --classes 0,1,2,3,4 --rest other \\
      #         -o dummy/validation.safetensors
      job: mlp-digits
      set:
        data.normalize: {mean: [0.3], std: [0.37]}
        data.validation: dummy/validation.safetensors
        model: {layers: [flatten, {linear: {out: 64}}, relu, {linear: {out: 6}}]}
        epochs: null
        steps: 400
        validate: {every_steps: 400, metrics: [precision, recall]}
      runs:
        - name: others do not count
          set:
            data.train: dummy/all.safetensors
            loss: {cross_entropy: {weight: [1.0, 1.0, 1.0, 1.0, 1.0, 0.0]}}
        - {name: 20 rows of each class, set: {data.train: dummy/few.safetensors}}
        - {name: all rows, set: {data.train: dummy/all.safetensors}}
      seeds: [1, 2, 3]
      table: [validation.accuracy, validation.precision, validation.recall, train.loss]
      """)

  /// The same number of rows of each class in each part.
  static let crossValidation = StudyRecipe(
    name: "cross-validation", summary: "five stratified folds choose the width of a perceptron",
    yaml: """
      name: cross-validation
      job: mlp-digits
      set: {model.depth: 1}
      grid: {model.hidden: [4, 8, 16, 32, 64, 128]}
      folds: 5
      table: [validation.accuracy, validation.loss, train.loss, parameters]
      plot: {x: model.hidden, y: validation.accuracy, log_x: true}
      """)
}
