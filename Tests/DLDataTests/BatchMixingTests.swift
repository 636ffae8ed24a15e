import DLData
import DLTensor
import DLTestSupport
import Testing

/// Images of 4 x 5 pixels of floats whose values say row and place.
private final class NumberedImages: Dataset {
  let count = 22
  let inputShape = [4, 5, 2]
  let inputType = DType.float32
  let labelShape: [Int] = []
  let labelType = DType.int32
  let classCount: Int? = 22

  static func pixel(_ row: Int, _ element: Int) -> Float { Float(row * 100 + element) }

  func read(
    rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutableRawBufferPointer,
    labels: UnsafeMutableRawBufferPointer
  ) throws {
    for (index, row) in rows.enumerated() {
      for element in 0..<40 {
        inputs.storeBytes(
          of: Self.pixel(row, element), toByteOffset: 4 * (index * 40 + element), as: Float.self)
      }
      labels.storeBytes(of: Int32(row), toByteOffset: 4 * index, as: Int32.self)
    }
  }
}

/// Rows that are mixed with each other, wherever they lie.
@Suite struct BatchMixingTests {
  private struct Row: Equatable {
    var x: [Float]
    var label: Int32
    var other: Int32?
    var weight: Double?
  }

  private func rows(
    _ mixing: BatchMixing?, ranks: Int, accumulate: Int = 1, repeats: Int = 1, workers: Int = 1
  ) throws -> [Int: [Row]] {
    let dataset = NumberedImages()
    let sampler = try Sampler(
      count: 22, batchSize: 8, repeats: repeats, accumulate: accumulate, seed: 3)
    let transform = try InputTransform(from: .float32, shape: dataset.inputShape)
    var result: [Int: [Row]] = [:]
    let loaders = try (0..<ranks).map {
      try BatchLoader(
        dataset: dataset, sampler: sampler, sharding: BatchSharding(ranks: ranks), rank: $0,
        transform: transform, mixing: mixing, workers: workers, endStep: 9)
    }
    while true {
      let batches = try loaders.map { try $0.next() }
      guard let first = batches[0] else { return result }
      for micro in 0..<accumulate {
        for case let batch? in batches {
          let part = batch.microBatches[micro]
          let x = part.x.assumingMemoryBound(to: Float.self)
          for row in 0..<part.rows {
            result[first.step, default: []].append(
              Row(
                x: (0..<40).map { x[row * 40 + $0] },
                label: part.y.assumingMemoryBound(to: Int32.self)[row],
                other: part.mixed.map { $0.labels.assumingMemoryBound(to: Int32.self)[row] },
                weight: part.mixed?.weight))
          }
        }
      }
    }
  }

  private func mixing(mixup: Double?, cutmix: Double?, p: Double = 1) throws -> BatchMixing {
    try BatchMixing(
      mixup: mixup, cutmix: cutmix, probability: p, of: NumberedImages(), seed: 5)
  }

  @Test(arguments: [(1, 1), (2, 1), (1, 2), (2, 2)])
  func rowsAreMixedWithTheOneBefore(accumulate: Int, repeats: Int) throws {
    let rule = try mixing(mixup: 0.4, cutmix: 1, p: 0.8)
    let plain = try rows(nil, ranks: 1, accumulate: accumulate, repeats: repeats)
    let mixed = try rows(rule, ranks: 1, accumulate: accumulate, repeats: repeats)
    let steps = (22 * repeats + 7) / 8
    var kinds: Set<String> = []
    for step in plain.keys {
      let (before, after) = (try #require(plain[step]), try #require(mixed[step]))
      let mix = rule.draw(epoch: step / steps, step: step % steps)
      for (row, one) in after.enumerated() {
        let partner = before[(row + before.count * repeats - repeats) % before.count]
        var expected = before[row]
        if let mix { (expected.other, expected.weight) = (partner.label, mix.weight) }
        switch mix {
        case .blend(let weight):
          kinds.insert("blend")
          for (mine, element) in zipped(one.x, 0..<40) {
            let own = Double(before[row].x[element])
            let value = weight * own + (1 - weight) * Double(partner.x[element])
            #expect(abs(Double(mine) - value) < 1e-3)
          }
          expected.x = one.x
        case .paste(let window, _):
          kinds.insert("paste")
          for y in window.top..<window.top + window.height {
            for x in window.left..<window.left + window.width {
              for channel in 0..<2 {
                let place = (y * 5 + x) * 2 + channel
                expected.x[place] = partner.x[place]
              }
            }
          }
        case nil: kinds.insert("none")
        }
        #expect(one == expected, "step \(step), row \(row)")
      }
    }
    #expect(kinds.count >= 2 && mixed.count == 9)
    for ranks in [2, 3, 5] {
      for workers in [0, 3] {
        #expect(
          try rows(
            rule, ranks: ranks, accumulate: accumulate, repeats: repeats, workers: workers) == mixed
        )
      }
    }
  }

  /// Beta(α, α) has mean 1/2 and variance 1 / (8 α + 4); a window covers what its weight says.
  @Test(arguments: [0.2, 1.0, 4.0]) func weightsAreOfBeta(alpha: Double) throws {
    let blends = try mixing(mixup: alpha, cutmix: nil)
    var (sum, squares) = (0.0, 0.0)
    for step in 0..<4000 {
      let weight = try #require(blends.draw(epoch: 0, step: step)).weight
      #expect((0...1).contains(weight))
      sum += weight
      squares += (weight - 0.5) * (weight - 0.5)
    }
    #expect(abs(sum / 4000 - 0.5) < 0.02)
    #expect(abs(squares / 4000 * (8 * alpha + 4) - 1) < 0.1)
    let pastes = try mixing(mixup: nil, cutmix: alpha, p: 0.5)
    var count = 0
    for step in 0..<400 {
      guard let mix = pastes.draw(epoch: 1, step: step) else { continue }
      guard case .paste(let window, let weight) = mix else {
        Issue.record("\(mix)")
        continue
      }
      #expect(window.top >= 0 && window.left >= 0 && window.height >= 0 && window.width >= 0)
      #expect(window.top + window.height <= 4 && window.left + window.width <= 5)
      #expect(abs(weight - (1 - Double(window.height * window.width) / 20)) < 1e-12)
      count += 1
    }
    #expect((140...260).contains(count))
  }

  @Test func tokensAndRowsAreRefused() {
    #expect(throws: DataError.self) {
      try BatchMixing(
        mixup: 1, cutmix: 1, probability: 1, of: CountingDataset(count: 4), seed: 1)
    }
    #expect(throws: DataError.self) {
      try BatchMixing(
        mixup: 1, cutmix: nil, probability: 1,
        of: SyntheticTokenDataset(tokens: 4, vocabulary: 3, count: 8, seed: 1), seed: 1)
    }
  }
}
