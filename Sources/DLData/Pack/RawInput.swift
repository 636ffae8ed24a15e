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
    case images(ImageFolder)
    case sound
    case rows(any RowTokenizer)
    case sentences(any Tokenizer, SentenceMarks)
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
  ///   - use: what the network does with a text.
  ///   - images: how the training's images were brought to one size while they were read.
  /// - Throws: `FormatError` where a file cannot be read, or the checkpoint's metadata are damaged.
  package init?(
    _ path: String, run: SafetensorsFile, shape: [Int], use: TextUse = .rows,
    images: ImageFit? = nil
  ) throws {
    (self.path, self.run, self.shape, fit) = (path, run, shape, images)
    let kind = try File.kind(of: path)
    if kind == .folder, shape.count == 3 {
      let folder = try ImageFolder(path: path)
      guard !folder.paths.isEmpty else {
        throw FormatError(
          .content, file: path, "is a folder without .jpg, .jpeg or .png",
          advice: "name a folder of pictures")
      }
      content = .images(folder)
      return
    }
    guard kind == .file else { return nil }
    let head = try ByteHead.read(path)
    if FileKind.isSafetensors(head) {
      guard use == .continuation, try SafetensorsFile(path: path)["tokens"] != nil else {
        return nil
      }
      throw FormatError(
        .content, file: path, "is one text and has no rows to predict",
        advice: "use generate RUN \(OptionName.prompt) to go on with a text, or evaluate RUN")
    }
    if run.metadata[TableSchema.key] != nil {
      content = .table
    } else if run.metadata[AudioFeatures.key] != nil {
      guard shape.count == 2, head.dropFirst(8).starts(with: Array("WAVE".utf8)) else { return nil }
      content = .sound
    } else if let text = run.metadata[TokenizerFile.key] {
      // What is of no known kind is no text either, which its reader says.
      guard FileKind(head)?.isText ?? true else { return nil }
      let tokenizer = try TokenizerFile.read(text, file: run.path)
      switch (use, tokenizer) {
      case (.rows, let rows as any RowTokenizer) where shape.count == 1: content = .rows(rows)
      case (.continuation, let words as WordTokenizer) where shape.count == 1:
        content = .rows(words)
      case (.rows, _), (.translation, _), (.continuation, is BytePairTokenizer):
        guard shape.count == 1, let marks = tokenizer.marks else { fallthrough }
        content = .sentences(tokenizer, marks)
      default:
        throw FormatError(
          .content, file: path, "is a text, which a network of characters goes on with",
          advice:
            "use generate RUN \(OptionName.prompt), or pack it by dltrain data pack text \(OptionName.like)"
        )
      }
    } else {
      let isImage = [[0xff, 0xd8, 0xff], [0x89, 0x50, 0x4e, 0x47]].contains {
        head.starts(with: $0)
      }
      guard shape.count == 3, isImage else { return nil }
      content = .image
    }
  }

  /// The file that each row is, within a folder; nil for what is one file.
  package var files: [String]? {
    if case .images(let folder) = content { folder.paths } else { nil }
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
    case .image: try write(images: [path], to: file)
    case .images(let folder):
      try write(images: folder.paths.indices.map { folder.name($0) }, to: file)
    case .sound:
      let features = try AudioFeatures(run)
      let mel = LogMel(features.settings)
      let sound = try AudioPacker.read(path, rate: features.settings.sampleRate)
      let rows = SoundRows(
        sounds: [SoundListing.Sound(path: path, values: [])], items: [[0]], mel: mel,
        length: shape[0])
      let length = min(mel.rowCount(samples: sound.sampleCount), shape[0])
      try SafetensorsWriter.write(
        [rows.tensor([0], features) { _ in }, .values("lengths", [Int32(length)])], to: file)
    case .rows(let tokenizer):
      let rows = tokenizer.rows(try lines(), length: shape[0])
      try write(rows, length: shape[0], padding: tokenizer.padding, to: file)
    case .sentences(let tokenizer, let marks):
      let rows = try tokenizer.encode(each: lines().map(String.init)).map { $0 + [marks.end] }
      try write(
        rows, length: rows.map(\.count).max() ?? 1, padding: marks.padding, to: file)
    }
  }

  private func write(_ rows: [[Int32]], length: Int, padding: Int32, to file: String) throws {
    if let long = rows.firstIndex(where: { $0.count > TokenRows.mostInRow }) {
      throw FormatError(
        .content, file: path,
        "line \(long + 1) is of \(rows[long].count) words, at most \(TokenRows.mostInRow) make a row",
        advice: "part it into several")
    }
    let rows = TokenRows(
      rows: rows, length: try TokenRows.length(length, of: [rows.count], source: path))
    try SafetensorsWriter.write(
      [rows.tensor("x", padding: padding), rows.lengths], to: file)
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

  /// Writes pictures, each brought to the network's size.
  private func write(images paths: [String], to file: String) throws {
    let decoder = try ImageDecoder()
    let x = SafetensorsTensor(name: "x", dtype: .uint8, shape: [paths.count] + shape) { sink in
      for path in paths { try pixels(path, decoder).withUnsafeBytes { try sink($0) } }
    }
    try SafetensorsWriter.write([x], to: file)
  }

  private func pixels(_ path: String, _ decoder: ImageDecoder) throws -> [UInt8] {
    let bytes = try File.contents(of: path, limit: ImageFolder.largestFile)
    var image = try decoder.decode(bytes, name: path)
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

/// The ways in which a network uses a text.
package enum TextUse: Sendable {
  /// A line is a row that has an output.
  case rows
  /// A line is translated.
  case translation
  /// The text is gone on with.
  case continuation
}

/// The first bytes of a file.
enum ByteHead {
  /// Some 512 bytes, or all.
  ///
  /// - Throws: `FormatError`.
  static func read(_ path: String) throws -> [UInt8] {
    let file = try File(path, .read)
    return try [UInt8](unsafeUninitializedCapacity: FileKind.byteCount) { buffer, count in
      count = try file.readAvailable(into: UnsafeMutableRawBufferPointer(buffer), at: 0)
    }
  }
}
