import DLLayers
import DLTensor
import DLTestSupport
import Testing

/// Dropout of whole channels and whole rows, keyed as that of elements.
@Suite struct PartDropoutTests {
  private func mask(
    _ layer: any Layer, seed: UInt64 = 1, step: Int = 0, first: Int = 0, rows: Int = 40
  ) throws -> [Double] {
    let context = Context(precision: .float64, seed: seed)
    context.isTraining = true
    context.step = step
    _ = try ParameterArena(Sequential([layer]), context: context)
    context.beginForward(rowOffset: first)
    return try layer(Tensor.full([rows, 2, 3, 5], 1, context: context)).doubles
  }

  @Test func channelsGoAsWholes() throws {
    let values = try mask(ChannelDropout(p: 0.25), rows: 400)
    var kept = 0
    for row in 0..<400 {
      for channel in 0..<5 {
        let pixels = (0..<6).map { values[row * 30 + $0 * 5 + channel] }
        #expect(Set(pixels).count == 1)
        #expect(pixels[0] == 0 || abs(pixels[0] - 4.0 / 3) < 1e-15)
        if pixels[0] != 0 { kept += 1 }
      }
    }
    #expect(abs(Double(kept) / 2000 - 0.75) < 0.04)
  }

  @Test func pathsGoAsWholes() throws {
    let values = try mask(DropPath(p: 0.25), rows: 1000)
    let rows = (0..<1000).map { Array(values[$0 * 30..<$0 * 30 + 30]) }
    for row in rows { #expect(Set(row).count == 1) }
    #expect(abs(Double(rows.count { $0[0] != 0 }) / 1000 - 0.75) < 0.05)
  }

  @Test func rowsKeepTheirMaskWhereverTheyLie() throws {
    for make: () -> any Layer in [{ ChannelDropout(p: 0.5) }, { DropPath(p: 0.5) }] {
      let whole = try mask(make())
      for (first, rows) in [(0, 7), (7, 30), (37, 3), (40, 0)] {
        let part = try mask(make(), first: first, rows: rows)
        #expect(part == Array(whole[first * 30..<(first + rows) * 30]))
      }
      #expect(try mask(make(), seed: 2) != whole)
      #expect(try mask(make(), step: 1) != whole)
    }
  }

  @Test func gradientsTakeTheMask() throws {
    let context = Context(precision: .float64, seed: 3)
    let x = try Tensor.full([4, 3, 2], 1, context: context).requiringGradient()
    for drop in [Tensor.channelDropout, Tensor.dropPath] {
      x.bindGradient(try .zeros([4, 3, 2], context: context))
      let y = try context.recording { try drop(x)(0.5, RandomKey(9)) }
      let values = y.doubles
      try context.backward(from: y, gradient: .full([4, 3, 2], 1, context: context))
      #expect(x.gradient?.doubles == values)
    }
  }

  @Test func evaluationAndZeroKeepAll() throws {
    let context = Context(precision: .float64)
    let x = try Tensor.full([2, 3], 1, context: context)
    for layer: any Layer in [ChannelDropout(p: 0.5), DropPath(p: 0.5)] {
      #expect(try layer(x) === x)
    }
    context.isTraining = true
    #expect(try DropPath(p: 0)(x) === x)
  }

  /// What all ranks hold is dropped alike wherever a rank's rows of the batch lie.
  @Test func graphsDropAlikeOnEveryRank() throws {
    func values(rowOffset: Int) throws -> ([Double], [Double]) {
      let context = Context(precision: .float64)
      context.isTraining = true
      context.rowOffset = rowOffset
      let dropout = Dropout(p: 0.5)
      _ = try ParameterArena(Sequential([dropout]), context: context)
      context.beginForward(rowOffset: rowOffset)
      let x = try Tensor.full([30, 4], 1, context: context)
      let sparse = try SparseMatrix(
        rows: 5, columns: 5, entries: (0..<25).map { ($0 / 5, $0 % 5, 1) }, context: context)
      return try (dropout.forward(x, firstRow: 0).doubles, dropout.forward(sparse).values.doubles)
    }
    let (first, other) = (try values(rowOffset: 0), try values(rowOffset: 17))
    #expect(first == other)
    #expect(Set(first.0) == [0, 2] && Set(first.1) == [0, 2])
  }
}
