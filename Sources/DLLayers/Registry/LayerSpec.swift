import DLConfiguration
import DLTensor

/// The options of a layer as `model.layers` gives them, and the layer that they make.
///
/// It stands beside its layer; ``LayerRegistry`` lists it.
public protocol LayerSpec: ConfigurationOption {
  /// Makes the layer for inputs of shape `[batch] + input`.
  ///
  /// - Throws: ``TensorError`` when no such layer takes the input.
  func layer(for input: Shape) throws -> any Layer

  /// Chains of layers that are parts of this one; none by default.
  var innerLayers: [[LayerConfiguration]] { get }
}

extension LayerSpec {
  /// No layers within it.
  public var innerLayers: [[LayerConfiguration]] { [] }

  /// No options.
  public static var fields: [ConfigurationField<Self>] { [] }

  /// The default options with some of them set.
  static func with(_ set: (inout Self) -> Void) -> Self {
    var options = Self()
    set(&options)
    return options
  }
}

/// A layer without options, which its name alone makes.
public protocol OptionlessLayer: Layer {
  /// The name in `model.layers`.
  static var word: String { get }
  /// Makes the layer.
  init()
}

/// The spec of a layer without options.
public struct OptionlessSpec<Made: OptionlessLayer>: LayerSpec {
  /// The name in `model.layers`.
  public static var word: String { Made.word }
  /// Makes the spec.
  public init() {}
  /// Makes the layer.
  public func layer(for input: Shape) -> any Layer { Made() }
}

// Sizes are bounded so that products of four of them stay within an Int.
extension ConfigurationRule {
  /// The sizes that a layer may have: 1 to 2^20.
  package static let layerSize = within(1...1_048_576)
  /// The extents that a window may have.
  package static let windowExtent = within(1...1024)
  /// The padding around an input.
  package static let windowMargin = within(0...1024)
}
