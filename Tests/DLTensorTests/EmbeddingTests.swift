import DLTensor
import DLTestSupport
import Testing

/// Tables of rows: their edges, and gradients that meet others.
@Suite struct EmbeddingTests {
  private let context = Context(precision: .float64)

  private func table(_ entries: Int, _ size: Int) throws -> Tensor {
    try .values(
      (0..<entries * size).map { Double($0) - 3 }, shape: [entries, size], context: context
    ).requiringGradient()
  }

  private func indices(_ values: [Int32], _ shape: Shape? = nil) throws -> Tensor {
    try .labels(values, shape: shape, context: context)
  }

  private func message(_ body: () throws -> Tensor) -> String {
    do {
      return "no error, \(try body().shape)"
    } catch { return "\(error)" }
  }

  @Test func errorsNamePositionsAndShapes() throws {
    let weight = try table(4, 2)
    #expect(
      message { try indices([0, 3, 4, 1], [2, 2]).embedding(weight) }
        == "embedding: index 4 at position 2 of [2, 2] is not in 0 ..< 4")
    #expect(
      message { try indices([-1]).embedding(weight) }
        == "embedding: index -1 at position 0 of [1] is not in 0 ..< 4")
    #expect(
      message { try weight.embedding(weight) }
        == "embedding: indices are float64 [4, 2], expected int32")
    #expect(
      message { try indices([0]).embedding(weight, paddingIndex: 4) }
        == "embedding: padding_idx 4 is not in 0 ..< 4")
    #expect(
      message { try indices([0]).embedding(indices([0])) }
        == "embedding: needs float32 or float64, got int32")
    #expect(
      message { try indices([0, 1]).embeddingBag(weight) }
        == "embedding_bag: indices have shape [2], expected [bags, length], or offsets beside them")
    for offsets: [Int32] in [[1], [0, 3], [0, 2, 1], [0, -1], []] {
      #expect(
        message { try indices([0, 1]).embeddingBag(weight, offsets: indices(offsets)) }
          == "embedding_bag: offsets need to rise from 0 to at most 2 indices", "\(offsets)")
    }
    #expect(
      message {
        try indices([0, 1], [1, 2]).embeddingBag(
          weight, mode: .mean, sampleWeights: .zeros([1, 2], context: context))
      }
        == "embedding_bag: sample weights are float64 [1, 2] in mode mean, expected float64 [1, 2] "
        + "in mode sum")
  }

  @Test func nothingToLookUp() throws {
    let weight = try table(4, 2)
    for shape: Shape in [[0], [0, 5], [3, 0]] {
      let y = try context.recording { try indices([], shape).embedding(weight) }
      #expect(y.shape == Shape(shape.dimensions + [2]))
    }
    for mode in EmbeddingBagMode.allCases {
      weight.resetGradient()
      let y = try context.recording { try indices([], [3, 0]).embeddingBag(weight, mode: mode) }
      #expect(y.shape == [3, 2] && y.doubles.allSatisfy { $0 == 0 })
      try context.backward(from: y, gradient: .full([3, 2], 1, context: context))
      #expect(try #require(weight.gradient).doubles.allSatisfy { $0 == 0 })
      #expect(
        try indices([2, 2], [1, 2]).embeddingBag(weight, mode: mode, paddingIndex: 2).doubles
          == [0, 0])
    }
  }

  /// A table that is also a projection: the projection's gradient arrives first, and stays.
  @Test func gradientsOfATiedTableAddUp() throws {
    for padding in [nil, 1] as [Int?] {
      let weight = try table(5, 3)
      let memory = try Tensor.full([5, 3], .nan, context: context)
      weight.bindGradient(memory)
      let y = try context.recording {
        try indices([1, 4, 1, 0]).embedding(weight, paddingIndex: padding).linear(weight)
      }
      try context.backward(from: y, gradient: .full(y.shape, 1, context: context))
      // dW of the projection is the sum of the rows, that of the table the sum of the columns.
      let rows = (0..<5).map { row in
        (0..<3).map { column -> Double in Double(row * 3 + column) - 3 }
      }
      let sum = (0..<3).map { column -> Double in
        2 * rows[1][column] + rows[4][column] + rows[0][column]
      }
      let columns = (0..<3).map { column -> Double in rows.map { $0[column] }.reduce(0, +) }
      let times: [Double] = [1, padding == 1 ? 0 : 2, 0, 0, 1]
      let want = (0..<15).map { index -> Double in
        sum[index % 3] + times[index / 3] * columns[index % 3]
      }
      #expect(memory.doubles == want)
    }
  }

  @Test func finiteDifferences() throws {
    let positions = [1, 0, 3, 1, 1, 2] as [Int32]
    for mode in EmbeddingBagMode.allCases {
      try checkGradients("bag \(mode)", [[4, 3]], draw: .apart) { inputs in
        try .labels(positions, shape: [2, 3], context: inputs[0].context)
          .embeddingBag(inputs[0], mode: mode)
      }
    }
    try checkGradients("embedding", [[4, 3]]) { inputs in
      let y = try Tensor.labels(positions, context: inputs[0].context).embedding(inputs[0])
      return try y * y
    }
  }

  @Test func rowsAreViews() throws {
    let weight = try table(5, 2)
    let (a, b) = try context.recording { (try weight.rows(1..<3), try weight.rows(3..<5)) }
    #expect(a.doubles == [-1, 0, 1, 2] && b.doubles == [3, 4, 5, 6])
    let y = try context.recording { try a * b }
    try context.backward(from: y, gradient: .full([2, 2], 1, context: context))
    #expect(try #require(weight.gradient).doubles == [0, 0, 3, 4, 5, 6, -1, 0, 1, 2])
    #expect(message { try weight.rows(4..<6) } == "rows: 4..<6 are not rows of [5, 2]")
  }
}
