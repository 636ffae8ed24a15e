import DLCore

/// The reading of integers as int32 and of float64 as float32, where every one of them has its value
/// there too.
struct SafetensorsConversion {
  private let info: SafetensorsInfo
  private let stored: SafetensorsType

  /// Elements that are converted at once.
  private static let chunk = 8192

  /// The conversion of a tensor; nil where it is read as it lies.
  init?(_ info: SafetensorsInfo) {
    guard let stored = info.stored else { return nil }
    self.info = info
    self.stored = stored
  }

  /// Reads the bytes that converted elements have, whole elements of them.
  func read(_ bytes: Range<Int>, of file: File, into buffer: UnsafeMutableRawBufferPointer) throws {
    let (width, size) = (info.dtype.byteCount, stored.byteCount)
    let elements = bytes.lowerBound / width..<bytes.upperBound / width
    try withUnsafeTemporaryAllocation(byteCount: Self.chunk * size, alignment: 8) { source in
      for begin in stride(from: elements.lowerBound, to: elements.upperBound, by: Self.chunk) {
        let count = min(Self.chunk, elements.upperBound - begin)
        let piece = UnsafeMutableRawBufferPointer(rebasing: source[..<(count * size)])
        try file.read(into: piece, at: info.bytes.lowerBound + begin * size)
        let first = (begin - elements.lowerBound) * width
        let target = UnsafeMutableRawBufferPointer(
          rebasing: buffer[first..<first + count * width])
        if let wrong = convert(piece, to: target) {
          throw misfit(piece, wrong, at: begin + wrong, file)
        }
      }
    }
  }

  /// Converts elements; the first that has no equal there.
  private func convert(
    _ source: UnsafeMutableRawBufferPointer, to target: UnsafeMutableRawBufferPointer
  ) -> Int? {
    func integers<T: FixedWidthInteger>(_ type: T.Type) -> Int? {
      let target = target.assumingMemoryBound(to: Int32.self)
      for (place, value) in source.assumingMemoryBound(to: type).enumerated() {
        guard let value = Int32(exactly: value) else { return place }
        target[place] = value
      }
      return nil
    }
    switch stored {
    case .int64: return integers(Int64.self)
    case .float64:
      let target = target.assumingMemoryBound(to: Float.self)
      for (place, value) in source.assumingMemoryBound(to: Double.self).enumerated() {
        target[place] = Float(value)
        guard Double(target[place]) == value || value.isNaN else { return place }
      }
      return nil
    default: return integers(UInt8.self)
    }
  }

  private func misfit(
    _ source: UnsafeMutableRawBufferPointer, _ place: Int, at element: Int, _ file: File
  ) -> FormatError {
    let value =
      stored == .float64
      ? "\(source.load(fromByteOffset: place * 8, as: Double.self))"
      : "\(source.load(fromByteOffset: place * 8, as: Int64.self))"
    let row = element / max(info.shape.dropFirst().reduce(1, *), 1)
    return FormatError(
      .content, file: file.path,
      "row \(row): \(info.name) has \(value), which is no \(info.dtype.rawValue)",
      advice: "convert \(info.name) to \(info.dtype.rawValue)")
  }
}

extension SafetensorsInfo {
  /// The tensor as one of another type, where it can be read so: U8, BOOL and I64 as I32, F64 as F32.
  func read(as type: SafetensorsType) -> SafetensorsInfo {
    let sources: [SafetensorsType] =
      switch type {
      case .int32: [.uint8, .bool, .int64]
      case .float32: [.float64]
      default: []
      }
    guard sources.contains(dtype) else { return self }
    let start = bytes.lowerBound
    return SafetensorsInfo(
      name: name, dtype: type, shape: shape, bytes: start..<start + count * type.byteCount,
      stored: dtype)
  }
}
