import DLData
import DLTensor
import Testing

@Suite struct TransformTests {
  @Test(arguments: [1, 2, 3, 5, 256, 700])
  func normalizesPerChannel(channels: Int) throws {
    let mean = (0..<channels).map { 0.1 + 0.01 * Double($0 % 7) }
    let std = (0..<channels).map { 0.3 + 0.02 * Double($0 % 5) }
    let count = channels * 11
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37) }
    let floats = bytes.map { Float($0) / 16 - 4 }
    let shape = [11, channels]
    var out32 = [Float](repeating: 0, count: count)
    var out64 = [Double](repeating: 0, count: count)

    try InputTransform(from: .uint8, shape: shape, normalize: (mean, std))
      .apply(bytes, count: count, into: &out32)
    #expect(
      out32
        == bytes.enumerated().map {
          (Float($1) / 255 - Float(mean[$0 % channels])) / Float(std[$0 % channels])
        })
    try InputTransform(from: .uint8, shape: shape, precision: .float64, normalize: (mean, std))
      .apply(bytes, count: count, into: &out64)
    #expect(
      out64
        == bytes.enumerated().map {
          (Double($1) / 255 - mean[$0 % channels]) / std[$0 % channels]
        })
    try InputTransform(from: .float32, shape: shape, precision: .float64, normalize: ([0.5], std))
      .apply(floats, count: count, into: &out64)
    #expect(
      out64 == floats.enumerated().map { (Double($1) - 0.5) / std[$0 % channels] })
    try InputTransform(from: .float32, shape: shape, normalize: (mean, [2]))
      .apply(floats, count: count, into: &out32)
    #expect(
      out32 == floats.enumerated().map { ($1 - Float(mean[$0 % channels])) / 2 })
  }

  @Test func bytesWithoutNormalizationAreDividedBy255() throws {
    let bytes = [UInt8](0...255)
    var out = [Float](repeating: 0, count: 256)
    try InputTransform(from: .uint8, shape: [256, 1]).apply(bytes, count: 256, into: &out)
    #expect(out == bytes.map { Float($0) / 255 })
  }

  @Test func tokensPassUnchanged() throws {
    let tokens: [Int32] = [1, -2, 30000]
    var out: [Int32] = [0, 0, 0]
    let transform = try InputTransform(from: .int32, shape: [3])
    #expect(transform.outputType == .int32 && transform.isIdentity)
    transform.apply(tokens, count: 3, into: &out)
    #expect(out == tokens)
  }

  @Test func refusesListsThatDoNotFit() {
    let bad: [(mean: [Double], std: [Double])] = [
      ([0, 0], [1]), ([0], [1, 1]), ([], [1]), ([0], [0]), ([0], [-1]), ([.nan], [1]),
      ([0], [.infinity]), ([0], [1e-60]),
    ]
    for normalize in bad {
      #expect(throws: DataError.self) {
        try InputTransform(from: .uint8, shape: [4, 4, 3], normalize: normalize)
      }
    }
    #expect(throws: DataError.self) {
      try InputTransform(from: .int32, shape: [4], normalize: ([0], [1]))
    }
    #expect(throws: DataError.self) {
      try InputTransform(from: .uint8, shape: [4], precision: .int64)
    }
  }
}
