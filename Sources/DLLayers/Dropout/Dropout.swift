import DLConfiguration
import DLTensor

/// Zeroes elements with probability `p` in training and scales the others by `1 / (1 - p)`.
///
/// The mask is keyed by seed, step, layer path, call number, global row and element, so it does not
/// depend on how rows are spread over ranks. Srivastava et al. 2014. Counterpart:
/// `torch.nn.Dropout`.
public final class Dropout: BuiltInLayer {
  /// The options of ``Dropout`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "dropout" }
    /// The probability to zero an element.
    package var p = 0.5
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [.init("p", \.p, .within(0..<1), "the probability to zero an element")]
    }
    package func layer(for input: Shape) -> any Layer { Dropout(self) }
  }

  package let options: Options
  private var calls = DropoutCalls()

  package init(_ options: Options) { self.options = options }

  /// Makes the layer, with `p` in `0 ..< 1`.
  public convenience init(p: Double = 0.5) { self.init(.with { $0.p = p }) }

  override func forward(from x: Tensor) throws -> Tensor {
    try forward(x, firstRow: nil)
  }

  /// Applies the layer to rows of which the first has the number `firstRow`.
  ///
  /// For rows that are not those of a batch, such as a graph's nodes, which all ranks hold.
  ///
  /// - Throws: ``TensorError`` for integers or a `p` of 1 and more in training, or where there is
  ///   no memory.
  package func forward(_ x: Tensor, firstRow: Int?) throws -> Tensor {
    guard x.context.isTraining, options.p > 0 else { return x }
    return try x.dropout(options.p, key: calls.next(x.context, path: path), firstRow: firstRow)
  }

  /// Applies the layer to the entries of a sparse matrix, which all ranks hold.
  ///
  /// - Throws: ``TensorError`` for a `p` of 1 and more in training, or where there is no memory.
  package func forward(_ x: SparseMatrix) throws -> SparseMatrix {
    let context = x.values.context
    guard context.isTraining, options.p > 0 else { return x }
    return try x.dropout(options.p, key: calls.next(context, path: path))
  }
}
