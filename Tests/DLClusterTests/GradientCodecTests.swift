import DLCluster
import DLTestSupport
import Foundation
import Testing

/// Codecs of gradients with their errors fed back.
struct GradientCodecTests {
  static let codecs: [any GradientCodec] = [
    BFloat16Codec(), Float16Codec(), TopKCodec(ratio: 0.01), TopKCodec(ratio: 0.3),
    TopKCodec(ratio: 1), PowerSGDCodec(rank: 1), PowerSGDCodec(rank: 2), PowerSGDCodec(rank: 8),
  ]
  static let counts = [0, 1, 2, 16, 255, 256, 257, 1000, 5120, 16_384]

  /// A sender of one block, and what its receiver makes of it.
  private struct Line {
    let codec: any GradientCodec
    let count: Int
    var error: [Float]
    var state: [Float]

    init(_ codec: any GradientCodec, _ count: Int) {
      self.codec = codec
      self.count = count
      error = [Float](repeating: 0, count: count)
      state = [Float](repeating: 0, count: codec.stateCount(GradientBlock(0..<count)))
    }

    mutating func send(_ values: [Float]) -> [Float] {
      var sums = zipped(values, error).map { $0 + $1 }
      var message = [UInt32](repeating: 0, count: codec.byteCount(GradientBlock(0..<count)) / 4)
      var decoded = [Float](repeating: 7, count: count)
      var kept = state
      message.withUnsafeMutableBytes { message in
        guard let base = message.baseAddress else { return }
        sums.withUnsafeMutableBufferPointer { sums in
          kept.withUnsafeMutableBufferPointer { kept in
            guard let values = sums.baseAddress else { return }
            let state = kept.baseAddress ?? values
            codec.encode(values, GradientBlock(0..<count), state: state, seed: 3, into: base)
          }
        }
        decoded.withUnsafeMutableBufferPointer { decoded in
          guard let values = decoded.baseAddress else { return }
          codec.decode(base, GradientBlock(0..<count), into: values)
        }
      }
      error = sums
      state = kept
      return decoded
    }
  }

  private func gradient(_ count: Int, _ step: Int) -> [Float] {
    var state = UInt64(step &* 77 &+ count &+ 1) &* 0x9E37_79B9_7F4A_7C15
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(Int64(state >> 40) - (1 << 23)) / Float(1 << 23)
    }
  }

  @Test func messagesAreNoLongerThanTheBlock() {
    for codec in Self.codecs {
      for count in Self.counts where count > 2 {
        let bytes = codec.byteCount(GradientBlock(0..<count))
        #expect(bytes % 4 == 0 && bytes <= 4 * count, "\(codec.name), \(count)")
      }
    }
    #expect(BFloat16Codec().byteCount(GradientBlock(0..<16_384)) == 32_768)
    #expect(Float16Codec().byteCount(GradientBlock(0..<16_384)) == 32_772)
    #expect(TopKCodec(ratio: 0.01).byteCount(GradientBlock(0..<16_384)) == 164 * 6)
    #expect(PowerSGDCodec(rank: 2).byteCount(GradientBlock(0..<16_384)) == 2 * 256 * 4)
    #expect(TopKCodec(ratio: 0.01).byteCount(GradientBlock(0..<200)) == 800)
    #expect(Set(Self.codecs.map(\.name)).count == Self.codecs.count)
  }

  /// The sum of what was decoded is the sum of what was to be sent less the last error.
  @Test func whatIsLeftOutIsSentLater() {
    for codec in Self.codecs {
      for count in Self.counts {
        var line = Line(codec, count)
        var sent = [Double](repeating: 0, count: count)
        var wanted = sent
        for step in 0..<30 {
          let values = gradient(count, step)
          let decoded = line.send(values)
          for i in 0..<count {
            sent[i] += Double(decoded[i])
            wanted[i] += Double(values[i])
          }
        }
        let worst = (0..<count).map { abs(sent[$0] + Double(line.error[$0]) - wanted[$0]) }.max()
        #expect(worst ?? 0 < 1e-4, "\(codec.name), \(count)")
      }
    }
  }

  /// Of gradients that stay the same the errors do not grow: all of it comes through in the mean.
  @Test func theMeanComesThrough() {
    for codec in Self.codecs {
      let count = 1024
      let values = gradient(count, 5)
      var line = Line(codec, count)
      var norms: [Double] = []
      for _ in 0..<400 {
        _ = line.send(values)
        norms.append(line.error.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot())
      }
      let early = norms[150..<250].max() ?? 0
      let late = norms[300..<400].max() ?? 0
      #expect(late <= 1.5 * early + 1e-6, "\(codec.name): \(early), then \(late)")
    }
  }

  @Test func halvesErrByTheirLastBit() {
    for (codec, bits) in [(BFloat16Codec() as any GradientCodec, 8), (Float16Codec(), 11)] {
      let values = gradient(5000, 1)
      var line = Line(codec, 5000)
      let decoded = line.send(values)
      for (a, b) in compared(values, decoded) {
        #expect(abs(a - b) <= abs(a) * Float(sign: .plus, exponent: -bits, significand: 1))
      }
    }
  }

  @Test func zerosStayZeros() {
    for codec in Self.codecs {
      for count in Self.counts {
        var line = Line(codec, count)
        #expect(line.send([Float](repeating: 0, count: count)).allSatisfy { $0 == 0 })
        #expect(line.error.allSatisfy { $0 == 0 })
      }
    }
  }

  @Test func aMessageOfOnesIsNoNumber() {
    for codec in Self.codecs {
      for count in Self.counts where count > 0 {
        var message = [UInt32](
          repeating: .max, count: codec.byteCount(GradientBlock(0..<count)) / 4)
        var decoded = [Float](repeating: 7, count: count)
        message.withUnsafeMutableBytes { message in
          decoded.withUnsafeMutableBufferPointer { decoded in
            guard let base = message.baseAddress, let values = decoded.baseAddress else { return }
            codec.decode(base, GradientBlock(0..<count), into: values)
          }
        }
        #expect(decoded.contains { $0.isNaN }, "\(codec.name), \(count)")
      }
    }
  }

  /// A matrix that changes slowly is known better with every step.
  @Test func powerIterationsStartFromTheLast() {
    let (rows, columns) = (32, 32)
    // Singular values 1, 0.9 and 0.5.
    let values = (0..<rows * columns).map { i -> Float in
      let (r, c) = (Double(i / columns), Double(i % columns))
      return Float(
        cos(r, 1) * cos(c, 2) + 0.9 * cos(r, 3) * cos(c, 4) + 0.5 * cos(r, 5) * cos(c, 6))
    }
    func norm(_ x: [Float]) -> Double { x.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot() }
    var line = Line(PowerSGDCodec(rank: 2), rows * columns)
    var errors: [Double] = []
    for _ in 0..<20 {
      line.error = [Float](repeating: 0, count: line.count)
      _ = line.send(values)
      errors.append(norm(line.error) / norm(values))
    }
    #expect(errors[19] <= errors[0])
    // The best of rank 2 leaves the third value alone.
    #expect(abs(errors[19] - 0.5 / (1 + 0.81 + 0.25).squareRoot()) < 1e-3)
  }

  /// Columns of the cosine transform, which are orthonormal.
  private func cos(_ place: Double, _ frequency: Double) -> Double {
    Foundation.cos((place + 0.5) * frequency * .pi / 32) / 4
  }
}
