/// The shape of the matrix that the elements of a tensor make, row behind row.
public struct MatrixShape: Sendable, Hashable {
  /// The rows in memory.
  public let rows: Int

  /// The columns in memory.
  public let columns: Int

  /// Whether its columns are PyTorch's rows, as in convolutions.
  public let isTransposed: Bool

  /// Describes a matrix.
  public init(rows: Int, columns: Int, isTransposed: Bool = false) {
    self.rows = rows
    self.columns = columns
    self.isTransposed = isTransposed
  }

  /// The number of elements.
  public var count: Int { rows * columns }

  /// PyTorch's rows.
  public var outputs: Int { isTransposed ? columns : rows }

  /// PyTorch's columns.
  public var inputs: Int { isTransposed ? rows : columns }
}
