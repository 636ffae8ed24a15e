import DLCore
import DLFormats

/// Data as people have them, which become rows as those that a network was trained on.
///
/// A table goes by the columns, means and categories of the training file, an image is brought to the
/// network's size, a sound to its bands, and each line of a text is a row of words or pieces.
package struct RawInput {
  private enum Content {
    case table
    case image
    case sound
    case words(WordTokenizer)
    case pieces(BytePairTokenizer)
  }

  private let path: String
  private let run: SafetensorsFile
  private let shape: [Int]
  private let fit: ImageFit?
  private let content: Content

  /// Looks at what a file is; nil for a data set file, and for what no row of this network can be made
  /// of, which the reader of data set files names.
  ///
  /// - Parameters:
  ///   - run: the checkpoint.
  ///   - shape: that of the network's input, without the row dimension.
  ///   - images: how the training's images were brought to one size while they were read.
  /// - Throws: `FormatError` where a file cannot be read, or the checkpoint's metadata are damaged.
  package init?(_ path: String, run: SafetensorsFile, shape: [Int], images: ImageFit? = nil) throws
  {
    guard try File.kind(of: path) == .file else { return nil }
    let head = try ByteHead.read(path)
    if FileKind.isSafetensors(head) { return nil }
    (self.path, self.run, self.shape, fit) = (path, run, shape, images)
    if run.metadata[TableSchema.key] != nil {
      content = .table
    } else if run.metadata[AudioFeatures.key] != nil {
      guard shape.count == 2, head.dropFirst(8).starts(with: Array("WAVE".utf8)) else { return nil }
      content = .sound
    } else if let text = run.metadata[TokenizerFile.key] {
      guard FileKind(head)?.isText == true else { return nil }
      switch try TokenizerFile.read(text, file: run.path) {
      case let words as WordTokenizer where shape.count == 1: content = .words(words)
      case let pieces as BytePairTokenizer where shape.count == 1: content = .pieces(pieces)
      default:
        throw FormatError(
          .content, file: path, "is a text, which a network of characters goes on with",
          advice: "use dltrain generate RUN --prompt, or pack it by dltrain data pack text --like")
      }
    } else {
      let isImage = [[0xff, 0xd8, 0xff], [0x89, 0x50, 0x4e, 0x47]].contains {
        head.starts(with: $0)
      }
      guard shape.count == 3, isImage else { return nil }
      content = .image
    }
  }

  /// Writes the rows as a data set file.
  ///
  /// - Throws: `FormatError` that names what is wrong with the data.
  package func write(to file: String) throws {
    switch content {
    case .table:
      var packer = CSVPacker()
      packer.like = run.path
      _ = try packer.pack(path, output: file)
    case .image:
      let pixels = try image()
      try SafetensorsWriter.write(
        [
          SafetensorsTensor(name: "x", dtype: .uint8, shape: [1] + shape) { sink in
            try pixels.withUnsafeBytes { try sink($0) }
          }
        ], to: file)
    case .sound:
      let features = try AudioFeatures(run)
      let mel = LogMel(features.settings)
      let sound = try AudioPacker.read(path, rate: features.settings.sampleRate)
      let rows = SoundRows(
        sounds: [SoundListing.Sound(path: path, values: [])], mel: mel, length: shape[0])
      let length = min(mel.rowCount(samples: sound.sampleCount), shape[0])
      try SafetensorsWriter.write(
        [rows.tensor([0], features) { _ in }, .values("lengths", [Int32(length)])], to: file)
    case .words(let words):
      try write(lines().map { $0.words().map { words.token($0) } }, length: shape[0], to: file)
    case .pieces(let pieces):
      var known: [ScalarString: [Int32]] = [:]
      let rows = try lines().map {
        pieces.encode(String($0), known: &known) + [BytePairTokenizer.end]
      }
      try write(rows, length: rows.map(\.count).max() ?? 1, to: file)
    }
  }

  private func write(_ rows: [[Int32]], length: Int, to file: String) throws {
    let rows = TokenRows(
      rows: rows, length: try TokenRows.length(length, of: [rows.count], source: path))
    try SafetensorsWriter.write(
      [rows.tensor("x", padding: WordTokenizer.padding), rows.lengths], to: file)
  }

  /// The lines of the text, each of which has words.
  private func lines() throws -> [Substring] {
    let lines = try TextFile.lines(of: path)
    if let empty = lines.firstIndex(where: { $0.words().isEmpty }) {
      throw FormatError(
        .content, file: path, "line \(empty + 1) has no words", advice: "leave it out")
    }
    guard !lines.isEmpty else {
      throw FormatError(.content, file: path, "holds no words", advice: "give a text a line")
    }
    return lines
  }

  private func image() throws -> [UInt8] {
    let bytes = try File.contents(of: path, limit: ImageFolder.largestFile)
    var image = try ImageDecoder().decode(bytes, name: path)
    if let fit {
      let count = fit.shape.reduce(1, *)
      return try [UInt8](unsafeUninitializedCapacity: count) { buffer, made in
        try buffer.baseAddress.map { try fit.write(image, window: nil, to: $0) }
        made = count
      }
    }
    if image.channels != shape[2] { image = try image.converted(channels: shape[2]) }
    if image.height != shape[0] || image.width != shape[1] {
      image = try image.resized(height: shape[0], width: shape[1])
    }
    return image.pixels
  }
}

/// The first bytes of a file.
enum ByteHead {
  /// Some 512 bytes, or all; throws `FormatError`.
  static func read(_ path: String) throws -> [UInt8] {
    let file = try File(path, .read)
    return try [UInt8](unsafeUninitializedCapacity: FileKind.byteCount) { buffer, count in
      count = try file.readAvailable(into: UnsafeMutableRawBufferPointer(buffer), at: 0)
    }
  }
}
