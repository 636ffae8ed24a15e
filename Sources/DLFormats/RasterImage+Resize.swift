extension RasterImage {
  /// The picture at another size, by a triangle filter as wide as the reduction.
  ///
  /// Two passes, across and then down, in fixed point with 22 bits: the bytes of Pillow's
  /// `resize((width, height), BILINEAR)`, which takes the passes the other way round for images
  /// that become lower and wider. Throws a `FormatError` for a size out of range.
  package func resized(height: Int, width: Int) throws -> RasterImage {
    try Self.check(height: height, width: width, name: "image")
    try Self.check(height: self.height, width: width, name: "image")
    var pixels = pixels
    if width != self.width {
      // Each row is `width` pixels of `channels` bytes.
      pixels = Self.resample(
        pixels, outer: self.height, from: self.width, to: width, inner: channels)
    }
    if height != self.height {
      pixels = Self.resample(
        pixels, outer: 1, from: self.height, to: height, inner: width * channels)
    }
    return try RasterImage(height: height, width: width, channels: channels, pixels: pixels)
  }

  /// Resamples the middle axis of `[outer, from, inner]`.
  private static func resample(
    _ pixels: [UInt8], outer: Int, from: Int, to: Int, inner: Int
  ) -> [UInt8] {
    let filter = Filter(from: from, to: to)
    let count = outer * to * inner
    return [UInt8](unsafeUninitializedCapacity: count) { out, made in
      pixels.withUnsafeBufferPointer { pixels in
        for row in 0..<outer {
          for place in 0..<to {
            let first = filter.first[place]
            let weights = filter.weights[place]
            let source = (row * from + first) * inner
            let target = (row * to + place) * inner
            for element in 0..<inner {
              var sum = 1 << (Filter.bits - 1)
              for index in 0..<weights.count {
                sum &+= Int(pixels[source + index * inner + element]) &* weights[index]
              }
              out[target + element] = UInt8(clamping: sum >> Filter.bits)
            }
          }
        }
      }
      made = count
    }
  }

  /// For each place of the output the first place of the input and the weights from there on.
  private struct Filter {
    static let bits = 22

    var first: [Int] = []
    var weights: [[Int]] = []

    init(from: Int, to: Int) {
      let scale = Double(from) / Double(to)
      let width = max(scale, 1)
      for place in 0..<to {
        let center = (Double(place) + 0.5) * scale
        let begin = max(Int(center - width + 0.5), 0)
        let end = min(Int(center + width + 0.5), from)
        let raw = (begin..<end).map { max(1 - abs((Double($0) - center + 0.5) / width), 0) }
        let sum = raw.reduce(0, +)
        first.append(begin)
        weights.append(
          raw.map { Int(0.5 + (sum == 0 ? $0 : $0 / sum) * Double(1 << Self.bits)) })
      }
    }
  }
}
