/// The kind of a file by its first bytes, where it is not the one that was asked for.
///
/// For messages alone: what is read is decided by the reader that a command names.
package struct FileKind: Sendable, Hashable {
  /// The kind with its article, as in `a ZIP archive`.
  package let name: String
  /// The way to use the file itself, such as to unpack it; nil where its content is to be
  /// converted.
  package let unpacking: String?
  /// The way to bring the content into a safetensors file.
  package let conversion: String
  /// The way to unpack the file, or the command that takes it, where an archive or another table was
  /// meant; nil where there is none, and for pictures, which lie in folders.
  package let use: String?
  /// True if the bytes are text.
  package let isText: Bool

  /// The number of bytes that ``init(_:)`` looks at.
  package static let byteCount = 512

  /// Looks at the first bytes, some 512 or all; nil where they are of no kind that is known here.
  package init?(_ bytes: some Collection<UInt8>) {
    let head = Array(bytes.prefix(Self.byteCount))
    guard let kind = Self.binary(head) ?? Self.text(head) else { return nil }
    self = kind
  }

  private init(
    _ name: String, unpacking: String? = nil, conversion: String? = nil, text: Bool = false
  ) {
    self.name = name
    self.unpacking = unpacking
    self.conversion = unpacking ?? conversion ?? Self.arrays
    use = unpacking ?? (conversion == Self.images ? nil : conversion)
    isText = text
  }

  private static let arrays =
    "read it in Python and write its arrays by safetensors.numpy.save_file({\"x\": x, \"y\": y}, FILE)"
  private static let weights =
    "start from its weights by \(OptionName.initialWeights) FILE; as data, write its tensors in Python by "
    + "safetensors.torch.save_file(torch.load(FILE, weights_only=True), \"data.safetensors\")"
  private static let otherWeights =
    "write the model that it was made from by safetensors.torch.save_file(model.state_dict(), FILE)"

  private struct Signature {
    let bytes: [UInt8]
    var offset = 0
    let kind: FileKind

    init(_ bytes: [UInt8], at offset: Int = 0, _ kind: FileKind) {
      (self.bytes, self.offset, self.kind) = (bytes, offset, kind)
    }

    init(_ text: String, at offset: Int = 0, _ kind: FileKind) {
      self.init(Array(text.utf8), at: offset, kind)
    }
  }

  private static let images = "pack images by dltrain data pack images"

  private static let signatures: [Signature] = [
    Signature([0x1f, 0x8b], FileKind("packed by gzip", unpacking: "unpack it by gunzip")),
    Signature("BZh", FileKind("packed by bzip2", unpacking: "unpack it by bunzip2")),
    Signature(
      [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], FileKind("packed by xz", unpacking: "unpack it by unxz")),
    Signature(
      [0x28, 0xb5, 0x2f, 0xfd], FileKind("packed by zstd", unpacking: "unpack it by unzstd")),
    Signature(
      [0x04, 0x22, 0x4d, 0x18], FileKind("packed by lz4", unpacking: "unpack it by unlz4")),
    Signature(
      [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c],
      FileKind("a 7z archive", unpacking: "unpack it by 7z x")),
    Signature("Rar!\u{1a}\u{7}", FileKind("a RAR archive", unpacking: "unpack it by unrar x")),
    Signature(
      "ustar", at: 257,
      FileKind("a tar archive", unpacking: "unpack it, or pack images by dltrain data pack images")),
    Signature(
      [0x93] + Array("NUMPY".utf8),
      FileKind("a NumPy array (.npy)", conversion: "pack it by dltrain data pack npy")),
    Signature([0x89] + Array("HDF\r\n\u{1a}\n".utf8), FileKind("an HDF5 file (.h5)")),
    Signature(
      "PAR1",
      FileKind("a Parquet table", conversion: "pack it by python3 scripts/data/pack_parquet.py")),
    Signature("ARROW1", FileKind("an Arrow table")),
    Signature("MATLAB 5.0", FileKind("a MATLAB file (.mat)")),
    Signature("SQLite format 3\u{0}", FileKind("an SQLite database")),
    Signature("GGUF", FileKind("a GGUF model", conversion: otherWeights)),
    Signature([0x89] + Array("PNG\r\n\u{1a}\n".utf8), FileKind("a PNG image", conversion: images)),
    Signature([0xff, 0xd8, 0xff], FileKind("a JPEG image", conversion: images)),
    Signature("GIF8", FileKind("a GIF image", conversion: images)),
    Signature("II*\u{0}", FileKind("a TIFF image", conversion: images)),
    Signature("MM\u{0}*", FileKind("a TIFF image", conversion: images)),
    Signature("WEBP", at: 8, FileKind("a WebP image", conversion: images)),
    Signature(
      "WAVE", at: 8, FileKind("a WAV sound", conversion: "pack sounds by dltrain data pack audio")),
    Signature("ftyp", at: 4, FileKind("a HEIC, AVIF or MP4 file", conversion: images)),
    Signature("%PDF-", FileKind("a PDF document")),
    Signature([0x7f] + Array("ELF".utf8), FileKind("a program")),
    Signature([0xff, 0xfe, 0, 0], utf("32")), Signature([0, 0, 0xfe, 0xff], utf("32")),
    Signature([0xff, 0xfe], utf("16")), Signature([0xfe, 0xff], utf("16")),
  ]

  private static func utf(_ bits: String) -> FileKind {
    FileKind(
      "UTF-\(bits) text", unpacking: "convert it by iconv -f utf-\(bits) -t utf-8")
  }

  private static func binary(_ head: [UInt8]) -> FileKind? {
    if isSafetensors(head) { return FileKind("a safetensors file", conversion: "check the path") }
    if let found = signatures.first(where: { head.dropFirst($0.offset).starts(with: $0.bytes) }) {
      return found.kind
    }
    if head.starts(with: Array("PK\u{3}\u{4}".utf8)) { return zip(head) }
    if head.starts(with: Array("PK\u{5}\u{6}".utf8)) {
      return FileKind("an empty ZIP archive", unpacking: "make or copy it again")
    }
    if head.starts(with: Array("BM".utf8)), head.count > 13, head[6..<10].allSatisfy({ $0 == 0 }) {
      return FileKind("a BMP image", conversion: images)
    }
    if head.count > 3, head[0] == 0x80, (2...5).contains(head[1]) {
      // torch.save of old writes its own number first, 0x1950a86a20f9469cfc6c.
      let isTorch = head.dropFirst(2).starts(with: [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46])
      return FileKind(
        isTorch ? "a PyTorch file (.pt)" : "a Python pickle", conversion: isTorch ? weights : arrays
      )
    }
    if head.count > 4, head[0] == 0, head[1] == 0, (8...14).contains(head[2]),
      (1...8).contains(head[3])
    {
      return FileKind("an IDX file", conversion: "pack it by dltrain data pack mnist")
    }
    return isONNX(head) ? FileKind("an ONNX model", conversion: otherWeights) : nil
  }

  /// The name of the first member tells what a ZIP archive is for.
  private static func zip(_ head: [UInt8]) -> FileKind {
    let length = head.count > 30 ? Int(head[26]) | Int(head[27]) << 8 : 0
    let name = String(decoding: head.dropFirst(30).prefix(length), as: UTF8.self)
    if ["data.pkl", ".format_version", "byteorder", "version"].contains(where: {
      name.ends(with: "/" + $0)
    }) {
      return FileKind("a PyTorch file (.pt)", conversion: weights)
    }
    if name.ends(with: ".npy") {
      return FileKind("NumPy arrays (.npz)", conversion: "pack them by dltrain data pack npz")
    }
    if name.hasScalars(of: "[Content_Types].xml") {
      return FileKind("a document of an office program", unpacking: "save it as plain text")
    }
    return FileKind("a ZIP archive", unpacking: "unpack it by unzip")
  }

  /// Returns whether the first bytes of a file are those of a safetensors file: the length of the header,
  /// then its brace.
  package static func isSafetensors(_ head: [UInt8]) -> Bool {
    head.count > 9 && head[8] == UInt8(ascii: "{") && head[4..<8].allSatisfy { $0 == 0 }
  }

  /// A protocol buffer without a mark of its own: the version, then the name of the program.
  private static func isONNX(_ head: [UInt8]) -> Bool {
    guard head.count > 4, head[0] == 8, (1...32).contains(head[1]), head[2] == 0x12 else {
      return false
    }
    let name = head[4...].prefix(Int(head[3]))
    return name.count == Int(head[3]) && !name.isEmpty
      && name.allSatisfy { (0x20..<0x7f).contains($0) }
  }

  private static func text(_ head: [UInt8]) -> FileKind? {
    let body = TextFile.hasMark(head) ? Array(head.dropFirst(3)) : head
    // A character of UTF-8 may be cut at the end.
    guard !body.isEmpty,
      (0..<min(4, body.count)).contains(where: {
        String(validating: body.dropLast($0), as: UTF8.self) != nil
      }), !body.contains(where: { $0 < 0x20 && !(9...13).contains($0) || $0 == 0x7f })
    else { return nil }
    func begins(_ word: String) -> Bool {
      body.drop { $0 <= 0x20 }.prefix(word.utf8.count)
        .elementsEqual(word.utf8) { $0 == $1 || $0 | 0x20 == $1 }
    }
    if begins("version https://git-lfs") {
      return FileKind("a pointer of Git LFS", unpacking: "fetch it by git lfs pull", text: true)
    }
    if begins("<!doctype html") || begins("<html") {
      return FileKind("a web page", unpacking: "download it again", text: true)
    }
    let line = body.prefix { $0 != 10 && $0 != 13 }
    for (byte, name) in [(UInt8(ascii: ","), "CSV"), (9, "TSV")] where line.contains(byte) {
      return FileKind(
        "text, perhaps \(name)", conversion: "pack a table by dltrain data pack csv", text: true)
    }
    return FileKind("text", text: true)
  }
}
