/// x - log sum exp(x) over the last axis.
public struct LogSoftmaxWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "log_softmax" }
  /// Makes the options with their defaults.
  public init() {}
}

/// min(max(x, 0), 6).
public struct Relu6Word: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "relu6" }
  /// Makes the options with their defaults.
  public init() {}
}

/// min(max(x + 3, 0), 6) / 6.
public struct HardSigmoidWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "hard_sigmoid" }
  /// Makes the options with their defaults.
  public init() {}
}

/// x * hard_sigmoid(x) (Howard et al., 2019).
public struct HardSwishWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "hard_swish" }
  /// Makes the options with their defaults.
  public init() {}
}

/// x where x > 0, else alpha * (exp(x) - 1) (Clevert et al., 2016).
public struct EluWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "elu" }
  /// Scale below zero.
  public var alpha = 1.0
  /// Makes the options with their defaults.
  public init() {}
  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init("alpha", \.alpha, "scale below zero")
    ]
  }
}

/// ELU with the constants of self-normalising networks (Klambauer et al., 2017).
public struct SeluWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "selu" }
  /// Makes the options with their defaults.
  public init() {}
}

/// log(1 + exp(beta * x)) / beta.
public struct SoftplusWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "softplus" }
  /// How sharp the bend at zero is.
  public var beta = 1.0
  /// Beta * x above which the function is linear.
  public var threshold = 20.0
  /// Makes the options with their defaults.
  public init() {}
  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init("beta", \.beta, .above(0), "how sharp the bend at zero is"),
      .init("threshold", \.threshold, "beta * x above which the function is linear"),
    ]
  }
}

/// x where x > 0, else weight * x, the weight learned (He et al., 2015).
public struct PreluWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "prelu" }
  /// 1, or the number of channels.
  public var numParameters = 1
  /// First value of the weight.
  public var initialValue = 0.25
  /// Makes the options with their defaults.
  public init() {}
  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "num_parameters", \.numParameters, .within(1...1_048_576), "1, or the number of channels"),
      .init("init", \.initialValue, "first value of the weight"),
    ]
  }
}

/// The largest of every few neighbours along the last axis (Goodfellow et al., 2013).
public struct MaxoutWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "maxout" }
  /// How many neighbours compete.
  public var pieces = 2
  /// Makes the options with their defaults.
  public init() {}
  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init("pieces", \.pieces, .within(2...1024), "how many neighbours compete")
    ]
  }
}
