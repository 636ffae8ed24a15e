import DLConfiguration

/// A rule for first values as a configuration names it, with PyTorch's names and defaults.
package protocol InitializerSpec: ConfigurationOption {
  /// The rule.
  var initializer: Initializer { get }
  /// True if it counts inputs and outputs, which takes two axes.
  static var needsMatrix: Bool { get }
}

extension InitializerSpec {
  /// No options.
  package static var fields: [ConfigurationField<Self>] { [] }
  /// It works on any shape.
  package static var needsMatrix: Bool { false }
}

/// The way to count what the weights of a layer are scaled by.
package enum FanWord: String, ConfigurationWord {
  /// The inputs of one output.
  case fanIn = "fan_in"
  /// The outputs that one input reaches.
  case fanOut = "fan_out"

  var mode: FanMode { self == .fanIn ? .fanIn : .fanOut }
}

/// The activation behind a layer, as `torch.nn.init.calculate_gain` names it.
package enum NonlinearityWord: String, ConfigurationWord {
  /// No activation.
  case linear
  /// A sigmoid, for which the gain is 1.
  case sigmoid
  /// The hyperbolic tangent.
  case tanh
  /// ReLU.
  case relu
  /// ReLU with a slope below zero.
  case leakyReLU = "leaky_relu"
  /// SELU.
  case selu

  func nonlinearity(slope: Double) -> Nonlinearity {
    switch self {
    case .linear: .linear
    case .sigmoid: .sigmoid
    case .tanh: .tanh
    case .relu: .relu
    case .leakyReLU: .leakyReLU(slope)
    case .selu: .selu
    }
  }
}

/// Names in YAML for the rules of ``Initializer``.
package enum InitializerSpecs {
  /// All rules: a new one adds itself here.
  package static let all: [any InitializerSpec.Type] = [
    KaimingNormal.self, KaimingUniform.self, XavierNormal.self, XavierUniform.self, Normal.self,
    TruncatedNormal.self, Uniform.self, Orthogonal.self, Constant.self, Zeros.self, Ones.self,
  ]

  /// The options of the two rules that are named after He.
  package protocol Kaiming: InitializerSpec {
    /// The slope of leaky ReLU below zero.
    var a: Double { get set }
    /// The quantity whose variance is kept: activations, fan_in, or gradients, fan_out.
    var mode: FanWord { get set }
    /// The activation behind the layer.
    var nonlinearity: NonlinearityWord { get set }
  }

  /// Normal with variance gain² / fan.
  package struct KaimingNormal: Kaiming {
    package static var word: String { "kaiming_normal" }
    /// The slope of leaky ReLU below zero.
    package var a = 0.0
    /// The quantity whose variance is kept.
    package var mode = FanWord.fanIn
    /// The activation behind the layer.
    package var nonlinearity = NonlinearityWord.leakyReLU
    package init() {}
    /// The rule.
    package var initializer: Initializer {
      .heNormal(mode.mode, for: nonlinearity.nonlinearity(slope: a))
    }
  }

  /// Uniform in ±gain · √(3 / fan).
  package struct KaimingUniform: Kaiming {
    package static var word: String { "kaiming_uniform" }
    /// The slope of leaky ReLU below zero.
    package var a = 0.0
    /// The quantity whose variance is kept.
    package var mode = FanWord.fanIn
    /// The activation behind the layer.
    package var nonlinearity = NonlinearityWord.leakyReLU
    package init() {}
    /// The rule.
    package var initializer: Initializer {
      .heUniform(mode.mode, for: nonlinearity.nonlinearity(slope: a))
    }
  }

  /// The option of the rules that have a gain.
  package protocol Scaled: InitializerSpec {
    /// The factor of the values.
    var gain: Double { get set }
  }

  /// Normal with variance gain² · 2 / (fan in + fan out).
  package struct XavierNormal: Scaled {
    package static var word: String { "xavier_normal" }
    /// The factor of the values.
    package var gain = 1.0
    package init() {}
    /// The rule.
    package var initializer: Initializer { .xavierNormal(gain: gain) }
  }

  /// Uniform in ±gain · √(6 / (fan in + fan out)).
  package struct XavierUniform: Scaled {
    package static var word: String { "xavier_uniform" }
    /// The factor of the values.
    package var gain = 1.0
    package init() {}
    /// The rule.
    package var initializer: Initializer { .xavierUniform(gain: gain) }
  }

  /// Rows that are orthogonal and of length gain.
  package struct Orthogonal: Scaled {
    package static var word: String { "orthogonal" }
    /// The factor of the values.
    package var gain = 1.0
    package init() {}
    /// The rule.
    package var initializer: Initializer { .orthogonal(gain: gain) }
  }

  /// Normal with a mean and a standard deviation.
  package struct Normal: InitializerSpec {
    package static var word: String { "normal" }
    /// The mean.
    package var mean = 0.0
    /// The standard deviation.
    package var std = 1.0
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init("mean", \.mean, .within(-1e6...1e6), "mean"),
        .init("std", \.std, .within(0...1e6), "standard deviation"),
      ]
    }
    /// The rule.
    package var initializer: Initializer {
      Initializer { [mean, std] in mean + $0.normal() * std }
    }
  }

  /// Normal with mean 0, what lies outside ±bound drawn anew.
  package struct TruncatedNormal: InitializerSpec {
    package static var word: String { "trunc_normal" }
    /// The standard deviation before the cut.
    package var std = 1.0
    /// The largest distance from 0, in absolute numbers as in PyTorch.
    package var bound = 2.0
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init("std", \.std, .within(1e-9...1e6), "standard deviation before the cut"),
        .init("bound", \.bound, .within(1e-9...1e9), "largest distance from 0: PyTorch's b = -a"),
      ]
    }
    package func problems() -> [ConfigurationProblem] {
      // Below a tenth hardly any draw would stay.
      bound >= std / 10
        ? [] : [.init("bound", "std", message: "expected at least a tenth of std \(std)")]
    }
    /// The rule.
    package var initializer: Initializer {
      .truncatedNormal(standardDeviation: std, bound: bound)
    }
  }

  /// Uniform between two numbers.
  package struct Uniform: InitializerSpec {
    package static var word: String { "uniform" }
    /// The least value.
    package var a = 0.0
    /// The bound above.
    package var b = 1.0
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init("a", \.a, .within(-1e6...1e6), "least value"),
        .init("b", \.b, .within(-1e6...1e6), "bound above"),
      ]
    }
    package func problems() -> [ConfigurationProblem] {
      a <= b ? [] : [.init("b", "a", message: "expected at least a, which is \(a)")]
    }
    /// The rule.
    package var initializer: Initializer {
      Initializer { [a, b] in a + $0.uniform() * (b - a) }
    }
  }

  /// One number.
  package struct Constant: InitializerSpec {
    package static var word: String { "constant" }
    /// The number.
    package var val = 0.0
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [.init("val", \.val, .within(-1e6...1e6), required: true, "the number")]
    }
    /// The rule.
    package var initializer: Initializer { .constant(val) }
  }

  /// All 0.
  package struct Zeros: InitializerSpec {
    package static var word: String { "zeros" }
    package init() {}
    /// The rule.
    package var initializer: Initializer { .zeros }
  }

  /// All 1.
  package struct Ones: InitializerSpec {
    package static var word: String { "ones" }
    package init() {}
    /// The rule.
    package var initializer: Initializer { .ones }
  }
}

extension InitializerSpecs.Kaiming {
  package static var fields: [ConfigurationField<Self>] {
    [
      .init("a", \.a, .within(-1e6...1e6), "slope of leaky_relu below zero"),
      .init("mode", \.mode, "fan_in keeps the variance of activations, fan_out of gradients"),
      .init("nonlinearity", \.nonlinearity, "activation behind the layer, which sets the gain"),
    ]
  }

  /// It counts inputs or outputs.
  package static var needsMatrix: Bool { true }
}

extension InitializerSpecs.Scaled {
  package static var fields: [ConfigurationField<Self>] {
    [.init("gain", \.gain, .within(-1e6...1e6), "what the values are multiplied by")]
  }

  /// It counts inputs and outputs.
  package static var needsMatrix: Bool { true }
}
