import DLConfiguration
import DLTensor

/// An image, or a sequence, in another size.
///
/// Shapes: `[batch, height, width, channels]` to `[batch, oh, ow, channels]`, or
/// `[batch, length, channels]` to `[batch, ol, channels]` by the width's size or factor.
/// Counterpart: `torch.nn.Upsample`.
public final class Upsample: BuiltInLayer {
  /// The options of ``Upsample`` in `model.layers`.
  package struct Options: LayerSpec {
    /// The way in which values between the pixels are made.
    package enum Mode: String, ConfigurationWord { case nearest, linear, bilinear }
    package static var word: String { "upsample" }
    /// Output size, one integer or [height, width].
    package var size: Size2d?
    /// Factor, one number or [height, width].
    package var scaleFactor: Scale2d?
    /// Nearest; or bilinear, which is called linear over sequences.
    package var mode = Mode.nearest
    /// True if the centers of the corner pixels stay where they are.
    package var alignCorners = false
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init("size", \.size, .layerSize, "output size, one integer or [height, width]"),
        .init(
          "scale_factor", \.scaleFactor, .above(0), "factor, one number or [height, width]"),
        .init("mode", \.mode, "nearest; or bilinear, which is called linear over sequences"),
        .init(
          "align_corners", \.alignCorners,
          "whether the centers of the corner pixels stay where they are"),
      ]
    }
    /// The size of the output is given in one way.
    package static var alternatives: [[String]] { [["size", "scale_factor"]] }
    package func problems() -> [ConfigurationProblem] {
      var problems: [ConfigurationProblem] = []
      if (size == nil) == (scaleFactor == nil) {
        problems.append(
          .init("scale_factor", "size", message: "give either size or scale_factor"))
      }
      if alignCorners, mode == .nearest {
        problems.append(
          .init("align_corners", "mode", message: "only linear and bilinear have align_corners"))
      }
      return problems
    }
    /// Makes the layer for inputs of shape `[batch] + input`.
    ///
    /// - Throws: ``TensorError`` for a mode that is not that of the input's rank.
    package func layer(for input: Shape) throws -> any Layer {
      let wrong: Mode? = input.rank == 2 ? .bilinear : input.rank == 3 ? .linear : nil
      guard mode != wrong else {
        throw TensorError(op: Self.word, "input has shape \(input), mode is \(mode)")
      }
      return Upsample(self)
    }

    /// The options of a way to make values between the pixels.
    fileprivate static func between(_ interpolation: Interpolation) -> Self {
      guard case .bilinear(let alignCorners) = interpolation else { return Self() }
      return .with { ($0.mode, $0.alignCorners) = (.bilinear, alignCorners) }
    }
  }

  enum Target {
    case size(Size2d)
    case factor(Scale2d)
  }

  package let options: Options

  /// The way in which values between the pixels are made.
  var interpolation: Interpolation {
    options.mode == .nearest ? .nearest : .bilinear(alignCorners: options.alignCorners)
  }

  var target: Target { options.size.map { .size($0) } ?? .factor(options.scaleFactor ?? 1) }

  /// Makes a layer by its options.
  package init(_ options: Options) { self.options = options }

  /// Makes a layer that enlarges by a factor, to `⌊extent · factor⌋`.
  public convenience init(by factor: Scale2d, _ interpolation: Interpolation = .nearest) {
    var options = Options.between(interpolation)
    options.scaleFactor = factor
    self.init(options)
  }

  /// Makes a layer with the given output size.
  public convenience init(to size: Size2d, _ interpolation: Interpolation = .nearest) {
    var options = Options.between(interpolation)
    options.size = size
    self.init(options)
  }

  override func forward(from x: Tensor) throws -> Tensor {
    // Sizes and shares go by the length of the whole tensor, which is no row's own.
    guard x.lengths == nil || repeats != nil else {
      throw TensorError(
        op: "upsample",
        "rows have lengths of their own, which go with mode nearest and a whole scale_factor alone")
    }
    return switch target {
    case .size(let size) where x.shape.rank == 3: try x.upsample1d(to: size.width, interpolation)
    case .size(let size): try x.upsample2d(to: size, interpolation)
    case .factor(let factor) where x.shape.rank == 3:
      try x.upsample1d(by: factor.width, interpolation)
    case .factor(let factor): try x.upsample2d(by: factor, interpolation)
    }
  }

  /// The number of times that each position of a sequence is repeated; nil where it is no whole number.
  private var repeats: Int? {
    guard options.mode == .nearest, case .factor(let factor) = target else { return nil }
    return Int(exactly: factor.width)
  }

  /// Each position as often as it is repeated.
  override func lengths(of output: Tensor, from input: Tensor) throws -> Tensor? {
    guard let repeats else { return nil }
    return try input.lengths?.mapLengths { Int32(min(Int($0) * repeats, output.shape[1])) }
  }

  /// PyTorch's counterpart takes `[batch, channels, length]`.
  override var ownSequenceLayout: SequenceLayout? { .channelsFirst }

  /// The same along one axis of an image or a sequence, to sequences.
  func along(_ axis: Int, of output: Shape, _ x: Tensor) throws -> Tensor {
    switch target {
    case .size: try x.upsample1d(to: output[axis], interpolation)
    case .factor(let factor):
      try x.upsample1d(
        by: axis == output.rank - 2 ? factor.width : factor.height, interpolation)
    }
  }

  override func outputShape(from input: Shape) throws -> Shape {
    let op = "upsample"
    guard input.rank == 2 || input.rank == 3, input.dimensions.dropLast().allSatisfy({ $0 > 0 })
    else {
      throw TensorError(
        op: op,
        "input has shape \(input), expected [height, width, channels] or [length, channels] of one "
          + "pixel or more")
    }
    switch target {
    case .size(let size):
      guard size.height > 0, size.width > 0 else {
        throw TensorError(op: op, "output size is \(size), expected at least 1")
      }
      return input.rank == 2 ? [size.width, input[1]] : [size.height, size.width, input[2]]
    case .factor(let factor):
      if input.rank == 2 {
        let row = Scale2d(1, factor.width)
        return [try row.output(op: op, height: 1, width: input[0]).width, input[1]]
      }
      let size = try factor.output(op: op, height: input[0], width: input[1])
      return [size.height, size.width, input[2]]
    }
  }
}
