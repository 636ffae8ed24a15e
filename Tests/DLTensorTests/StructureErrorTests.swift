import DLTensor
import DLTestSupport
import Testing

/// Structural, reducing and sparse ops at their bounds: what cannot be done throws and names why.
@Suite struct StructureErrorTests {
  private let context = Context(precision: .float32)

  private func zeros(_ shape: Shape, _ dtype: DType = .float32) throws -> Tensor {
    try Tensor.zeros(shape, dtype: dtype, context: context)
  }

  @Test func shapesThatDoNotFit() throws {
    let x = try zeros([2, 3])
    expect("concat: no tensors") { try Tensor.concat([]) }
    expect("concat: float32 [2, 3] and float32 [2, 4] do not fit along axis 0") {
      try Tensor.concat([x, zeros([2, 4])])
    }
    expect("concat: axis 0 of shape []") { try Tensor.concat([zeros([])]) }
    expect("stack: float32 [2, 3] and float64 [2, 3] do not fit along axis 1") {
      try Tensor.stack([x, zeros([2, 3], .float64)], axis: 1)
    }
    expect("stack: axis 4 of shape [2, 3]") { try Tensor.stack([x, x], axis: 4) }
    expect("stack: axis -5 of shape [2, 3]") { try Tensor.stack([x, x], axis: -5) }
    expect("narrow: 2 positions from 2 on axis 1 of shape [2, 3]") {
      try x.narrow(1, start: 2, length: 2)
    }
    expect("narrow: \(Int.max) positions from 1 on axis 1 of shape [2, 3]") {
      try x.narrow(1, start: 1, length: .max)
    }
    expect("slice: step 0, expected 1 or more") { try x.slice(0, step: 0) }
    expect("select: position 3 on axis -1 of shape [2, 3]") { try x.select(-1, 3) }
    expect("split: lengths [1, 1] do not add up to axis 1 of shape [2, 3]") {
      try x.split([1, 1], axis: 1)
    }
    expect("chunk: 0 pieces of shape [2, 3]") { try x.chunk(0) }
    expect("squeeze: axis 0 of shape [2, 3] is not 1") { try x.squeeze(0) }
    expect("where: shapes [2, 3], [2, 3] and mask [2] do not broadcast") {
      try x.where(zeros([2], .uint8), else: x)
    }
    expect("where: needs a uint8 mask, got float32 [2, 3]") { try x.where(x, else: x) }
    expect("masked_fill: mask [4, 2, 3] does not broadcast to shape [2, 3]") {
      try x.maskedFill(zeros([4, 2, 3], .uint8), 0)
    }
    expect("compare: shapes [2, 3] and [2] do not broadcast") { try x .< zeros([2]) }
    expect("compare: 0.5 is no int32") { try zeros([2], .int32) .== 0.5 }
    expect("broadcast: shape [2, 3] does not broadcast to [3]") { try x.broadcast(to: [3]) }
  }

  @Test func indicesOutside() throws {
    let x = try zeros([2, 3])
    let index = try Tensor.labels([0, 3], context: context)
    expect("index_select: index 3 at position 1 is not in 0 ..< 3, the extent of axis 1 of [2, 3]")
    {
      try x.indexSelect(1, index)
    }
    expect("index_add: index 3 at position 1 is not in 0 ..< 3, the extent of axis 1 of [2, 3]") {
      try x.indexAdd(1, index, zeros([2, 2]))
    }
    let square = try Tensor.labels([0, -1], shape: [1, 2], context: context)
    expect("gather: index -1 at position 1 is not in 0 ..< 3, the extent of axis 1 of [2, 3]") {
      try x.gather(1, square)
    }
    expect("scatter_add: index -1 at position 1 is not in 0 ..< 2, the extent of axis 0 of [2, 3]")
    { try x.scatterAdd(0, square, zeros([1, 2])) }
    expect("gather: input has shape [2, 3], index [2], which does not fit off axis 0") {
      try x.gather(0, index)
    }
    expect("gather: needs int32 indices, got float32 [2, 3]") { try x.gather(0, x) }
    expect("topk: 4 elements of axis -1 of shape [2, 3]") { try x.topK(4) }
    expect("maximum: axis 1 of shape [2, 0] is empty") { try zeros([2, 0]).maximum(axis: 1) }
    expect("maximum: axes [1] of shape [2, 0] have no elements") {
      try zeros([2, 0]).maximum(axes: [1])
    }
    expect("norm: order 0.0, expected above 0") { try x.norm(0) }
    expect("clamp: bounds 1.0 and 0.0, expected low <= high") { try x.clamp(1, 0) }
  }

  @Test func equations() throws {
    let x = try zeros([2, 3])
    for equation in ["ij,jk", "ij->ij", "i...,jk->ik", "", "ij,jk,kl->il", "->"] {
      expect("einsum: \(equation) is not of the form ij,jk->ik") {
        try Tensor.einsum(equation, x, x)
      }
    }
    expect("einsum: ij,jk->ik does not fit shapes [2, 3] and [2, 3]") {
      try Tensor.einsum("ij,jk->ik", x, x)
    }
    let wide = try zeros([1, 1, 1, 1, 1])
    expect("einsum: abcde,fghij->abcdefghij has 10 axes, at most 8 are allowed") {
      try Tensor.einsum("abcde,fghij->abcdefghij", wide, wide)
    }
    expect("einsum: ii,jk->ik names an axis of ii twice") { try Tensor.einsum("ii,jk->ik", x, x) }
    expect("einsum: ij,ij->k has an axis in its result alone") {
      try Tensor.einsum("ij,ij->k", x, x)
    }
    expect("einsum: i,ij->j does not fit shapes [2, 3] and [2, 3]") {
      try Tensor.einsum("i,ij->j", x, x)
    }
  }

  @Test func graphs() throws {
    expect("graph: edge 0 to 3 in a graph of 3 nodes") {
      try SparseMatrix.normalizedAdjacency(nodes: 3, edges: [(0, 3)], context: context)
    }
    expect("sparse: entry [0, 2] is outside [2, 2]") {
      try SparseMatrix(rows: 2, columns: 2, entries: [(0, 2, 1)], context: context)
    }
    expect("sparse: -1 rows and 2 columns") {
      try SparseMatrix(rows: -1, columns: 2, entries: [], context: context)
    }
    let matrix = try SparseMatrix(
      rows: 2, columns: 3, entries: [(1, 2, 4), (0, 1, 1), (1, 2, 0.5)], context: context)
    #expect(matrix.values.doubles == [1, 4.5] && matrix.rowStart.doubles == [0, 1, 2])
    #expect(try matrix.row.doubles == [0, 1])
    expect("sparse: 2 entries, values of shape [3]") { try matrix.with(values: zeros([3])) }
    expect("sparse_matmul: sparse float32 [2, 3] takes [3, width], got float32 [2, 2]") {
      try matrix.matmul(zeros([2, 2]))
    }
    let none = try SparseMatrix.normalizedAdjacency(nodes: 0, edges: [], context: context)
    #expect(try none.matmul(zeros([0, 4])).shape == [0, 4])
  }

  @Test func nothingAndOne() throws {
    let none = try zeros([0, 3])
    #expect(try Tensor.concat([none, none]).shape == [0, 3])
    #expect(try none.sort(axis: 0).values.shape == [0, 3])
    #expect(try none.topK(0, axis: 0).indices.shape == [0, 3])
    #expect(try none.cumulativeSum(axis: 0).shape == [0, 3])
    #expect(try none.chunk(3).map(\.shape) == [[0, 3]])
    #expect(try none.maximum(axes: [1]).shape == [0])
    #expect(try none.product(axes: [0]).doubles == [1, 1, 1])
    #expect(try none.logSumExp(axes: [0]).doubles == [-.infinity, -.infinity, -.infinity])
    #expect(try none.norm(axes: [0]).doubles == [0, 0, 0])
    #expect(try none.variance().scalar.isNaN)
    #expect(try none.indexSelect(0, Tensor.labels([], context: context)).shape == [0, 3])
    #expect(try Tensor.einsum("ij,jk->ik", none, zeros([3, 2])).shape == [0, 2])
    #expect(try Tensor.einsum("ij,jk->ik", zeros([2, 0]), zeros([0, 2])).doubles == [0, 0, 0, 0])
    #expect(try zeros([5]).slice(0, from: 3, to: 1).shape == [0])
    let one = try Tensor.values([2], shape: [1], context: context)
    #expect(try one.sort().indices.doubles == [0])
    #expect(try one.standardDeviation().scalar.isNaN)
    #expect(try Tensor.values([3], shape: [], context: context).maximum().scalar == 3)
  }

  /// Every element at minus infinity: no weight anywhere, and no NaN in the gradient.
  @Test func logOfNothing() throws {
    let x = try Tensor.full([2, 3], -.infinity, context: context).requiringGradient()
    let y = try context.recording { try x.logSumExp(axes: [1]) }
    try context.backward(from: y, gradient: .full([2], 1, context: context))
    #expect(x.gradient?.doubles == [0, 0, 0, 0, 0, 0])
  }

  @Test func notANumberComesLastOrWins() throws {
    let x = try Tensor.values([1, .nan, 3, 2], shape: [4], context: context)
    #expect(try x.sort().indices.doubles == [0, 3, 2, 1])
    #expect(try x.sort(descending: true).indices.doubles == [1, 2, 3, 0])
    #expect(try x.argmax(axis: 0).scalar == 1 && x.argmin(axis: 0).scalar == 1)
    #expect(try x.maximum().scalar.isNaN && x.minimum().scalar.isNaN)
    #expect(try (x .< 2.5).doubles == [1, 0, 0, 1])
    #expect(try (x .!= x).doubles == [0, 1, 0, 0])
  }

  @Test func wholeNumbersCompareAndMove() throws {
    let x = try Tensor.labels([3, 1, 3, 2], context: context)
    #expect(try (x .== 3).doubles == [1, 0, 1, 0])
    #expect(try Tensor.concat([x, x.slice(0, from: 1, step: 2)]).doubles == [3, 1, 3, 2, 1, 2])
  }
}
