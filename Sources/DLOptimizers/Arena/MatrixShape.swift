/// The shape of the matrix that the elements of a tensor make, row behind row.
public struct MatrixShape: Sendable, Hashable {
  /// The rows in memory.
  package let rows: Int

  /// The columns in memory.
  package let columns: Int

  /// True if its columns are PyTorch's rows, as in convolutions.
  package let isTransposed: Bool

  /// Describes a matrix.
  package init(rows: Int, columns: Int, isTransposed: Bool = false) {
    self.rows = rows
    self.columns = columns
    self.isTransposed = isTransposed
  }

  /// The number of elements.
  package var count: Int { rows * columns }

  /// PyTorch's rows.
  package var outputs: Int { isTransposed ? columns : rows }

  /// PyTorch's columns.
  package var inputs: Int { isTransposed ? rows : columns }
}
