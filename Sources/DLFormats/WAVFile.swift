import DLCore

/// A sound in the format WAV: PCM of 8, 16, 24 or 32 bits, or floating point.
///
/// Chunks other than `fmt ` and `data` are passed over. Counterpart: `scipy.io.wavfile.read`.
/// Microsoft and IBM: Multimedia Programming Interface and Data Specifications 1.0 (1991), and
/// `WAVE_FORMAT_EXTENSIBLE`.
package struct WAVFile: Sendable {
  /// The form of a sample.
  package enum Encoding: Sendable, Hashable {
    /// An integer; that of one byte has no sign and its zero at 128.
    case integer(bytes: Int)
    /// A floating-point number.
    case real(bytes: Int)
  }

  /// The path as the caller gave it.
  package let path: String
  /// Samples of a channel per second.
  package let sampleRate: Int
  /// The number of channels.
  package let channelCount: Int
  /// The form of the samples.
  package let encoding: Encoding
  /// The number of samples of each channel.
  package let sampleCount: Int

  private let bytes: [UInt8]
  private let start: Int

  /// Reads a file and checks its chunks.
  ///
  /// - Throws: `FormatError`.
  package init(path: String) throws {
    self.path = path
    let bytes = try File.contents(of: path, limit: 1 << 32)
    self.bytes = bytes
    func fault(_ what: String, at place: Int, _ advice: String = "make or copy it again")
      -> FormatError
    {
      FormatError(.content, file: path, at: place, what, advice: advice)
    }
    func number(_ place: Int, _ count: Int) -> Int {
      (0..<count).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
    }
    func isName(_ name: String, at place: Int) -> Bool {
      bytes[place..<place + 4].elementsEqual(name.utf8)
    }
    guard bytes.count >= 12, isName("RIFF", at: 0), isName("WAVE", at: 8) else {
      let kind = FileKind(bytes)
      throw fault(
        "is \(kind.map { "\($0.name), " } ?? "")not a WAV sound", at: 0,
        kind?.unpacking ?? "convert it, as by ffmpeg -i FILE FILE.wav")
    }
    var format: Format?
    var place = 12
    while true {
      guard place + 8 <= bytes.count else {
        throw fault("has no \(format == nil ? "fmt" : "data") chunk", at: bytes.count)
      }
      let (size, body) = (number(place + 4, 4), place + 8)
      guard size <= bytes.count - body else {
        throw fault("ends \(size - (bytes.count - body)) bytes too early", at: bytes.count)
      }
      if isName("fmt ", at: place) {
        guard let read = Format(size: size, number: { number(body + $0, $1) }) else {
          throw fault(
            "is neither PCM of 8, 16, 24 or 32 bits nor floating point", at: body,
            "convert it, as by ffmpeg -i FILE -c:a pcm_s16le FILE.wav")
        }
        format = read
      } else if isName("data", at: place) {
        guard let format else { throw fault("has its data before its fmt chunk", at: place) }
        let each = format.channels * format.encoding.byteCount
        guard size % each == 0 else {
          throw fault("has \(size) bytes of samples, no multiple of \(each)", at: place)
        }
        (sampleRate, channelCount, encoding) = (format.rate, format.channels, format.encoding)
        (sampleCount, start) = (size / each, body)
        return
      }
      // A chunk of an odd length is followed by a byte that does not count.
      place = body + size + size % 2
    }
  }

  private struct Format {
    let rate: Int
    let channels: Int
    let encoding: Encoding

    init?(size: Int, number: (Int, Int) -> Int) {
      guard size >= 16 else { return nil }
      var code = number(0, 2)
      (channels, rate) = (number(2, 2), number(4, 4))
      let (align, bits) = (number(12, 2), number(14, 2))
      // The extensible form keeps the code as the beginning of a longer one.
      if code == 0xfffe {
        guard size >= 40 else { return nil }
        code = number(24, 2)
      }
      switch (code, bits) {
      case (1, 8), (1, 16), (1, 24), (1, 32): encoding = .integer(bytes: bits / 8)
      case (3, 32), (3, 64): encoding = .real(bytes: bits / 8)
      default: return nil
      }
      guard channels > 0, rate > 0, align == channels * bits / 8 else { return nil }
    }
  }

  /// The mean of the channels, integers in -1 ..< 1.
  ///
  /// - Throws: a content error for a sample that is not finite.
  package func mono() throws -> [Double] {
    let (width, channels) = (encoding.byteCount, channelCount)
    return try bytes.withUnsafeBytes { bytes in
      try (0..<sampleCount).map { index in
        var sum = 0.0
        for channel in 0..<channels {
          sum += encoding.value(bytes, at: start + (index * channels + channel) * width)
        }
        guard sum.isFinite else {
          throw FormatError(
            .content, file: path, at: start + index * channels * width,
            "has a sample that is not finite", advice: "make it again")
        }
        return sum / Double(channels)
      }
    }
  }
}

extension WAVFile.Encoding {
  /// Bytes per sample.
  package var byteCount: Int {
    switch self {
    case .integer(let bytes), .real(let bytes): bytes
    }
  }

  fileprivate func value(_ bytes: UnsafeRawBufferPointer, at place: Int) -> Double {
    func word<T: FixedWidthInteger>(_: T.Type) -> T {
      T(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: T.self))
    }
    switch self {
    case .integer(1): return (Double(bytes[place]) - 128) / 128
    case .integer(2): return Double(word(Int16.self)) / 0x1p15
    case .integer(3):
      let high = Int32(Int8(bitPattern: bytes[place + 2]))
      return Double(high << 16 | Int32(bytes[place + 1]) << 8 | Int32(bytes[place])) / 0x1p23
    case .integer: return Double(word(Int32.self)) / 0x1p31
    case .real(4): return Double(Float(bitPattern: word(UInt32.self)))
    case .real: return Double(bitPattern: word(UInt64.self))
    }
  }
}
