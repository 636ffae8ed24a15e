import DLCore
import DLFormats
import DLTestSupport
import Testing

/// Files of other kinds, as Python's libraries write them (`scripts/golden/make_file_kinds.py`).
@Suite struct FileKindTests {
  let folder = TemporaryFolder()

  private func files(_ prefix: String) throws -> [(name: String, bytes: [UInt8])] {
    let file = try SafetensorsFile(path: golden("files.safetensors"))
    return try file.tensors.filter { $0.name.hasPrefix(prefix) }.map {
      (String($0.name.dropFirst(prefix.count)), try file.bytes($0.name))
    }
  }

  private func kind(_ name: String) -> String { String(name.prefix { $0 != "|" }) }

  @Test func kindsAreNamedByTheirFirstBytes() throws {
    let kinds = try files("kind/")
    #expect(kinds.count == 30)
    for (name, bytes) in kinds { #expect(FileKind(bytes)?.name == kind(name)) }
    for bytes: [UInt8] in [[], [0], [0, 1, 2, 3], Array(repeating: 0, count: 600)] {
      #expect(FileKind(bytes) == nil)
    }
  }

  @Test func nothingIsNamedFromBytesThatAreNotThere() throws {
    for (_, bytes) in try files("kind/") {
      for count in 0..<bytes.count { _ = FileKind(bytes[..<count]) }
    }
  }

  @Test func everyReaderNamesWhatItIsGiven() throws {
    for (name, bytes) in try files("kind/") {
      let path = try folder.write(bytes)
      let kind = kind(name)
      if kind != "a safetensors file" {
        let error = try formatError { _ = try SafetensorsFile(path: path) }
        #expect(error?.kind == .content && error?.what == "is \(kind), not a safetensors file")
      }
      // gzip is looked into: what it holds is an IDX file there.
      if kind != "a tar archive" {
        let other = kind == "packed by gzip" ? "an IDX file once unpacked" : kind
        let error = try formatError { _ = try TarReader(path: path) }
        #expect(error?.what == "is \(other), not a tar archive", "\(name)")
      }
      if !["an IDX file", "packed by gzip"].contains(kind) {
        let error = try formatError { _ = try IDXFile(path: path) }
        #expect(error?.what == "is \(kind), not an IDX file", "\(name)")
      }
      if !kind.hasPrefix("text"), !["a web page", "a pointer of Git LFS"].contains(kind) {
        let error = try formatError { _ = try TextFile.text(of: path) }
        #expect(error?.what == "is \(kind), not UTF-8 text", "\(name)")
        // A table is unpacked by itself.
        if kind != "packed by gzip" {
          let error = try formatError { _ = try CSVReader(path: path) }
          #expect(error?.what == "is \(kind), not UTF-8 text", "\(name)")
        }
      }
    }
  }

  @Test func adviceFitsTheKind() throws {
    for (name, words) in [
      ("a PyTorch file (.pt)", "safetensors.torch.save_file"),
      ("text, perhaps CSV", "data pack csv"),
      ("packed by xz", "unxz"), ("UTF-16 text", "iconv -f utf-16"),
      ("a pointer of Git LFS", "git lfs pull"), ("an IDX file", "data pack mnist"),
      ("a tar archive", "data pack images"), ("a PyTorch file (.pt)", "weights by init"),
      ("a NumPy array (.npy)", "data pack npy"), ("NumPy arrays (.npz)", "data pack npz"),
      ("a Parquet table", "scripts/data/pack_parquet.py"), ("a ZIP archive", "unzip"),
    ] {
      let bytes = try #require(try files("kind/").first { kind($0.name) == name }?.bytes)
      let error = try formatError { _ = try SafetensorsFile(path: folder.write(bytes)) }
      #expect(error?.advice.contains(words) == true, "\(name): \(error?.advice ?? "none")")
    }
  }

  /// Readers of texts, tables and archives name the command of what they are given, too.
  @Test func adviceFitsTheKindWhereTextIsMeant() throws {
    for (name, words) in [
      ("a PyTorch file (.pt)", "weights by init"), ("packed by xz", "unxz"),
      ("a NumPy array (.npy)", "data pack npy"), ("NumPy arrays (.npz)", "data pack npz"),
      ("a Parquet table", "scripts/data/pack_parquet.py"), ("a ZIP archive", "unzip"),
      ("an HDF5 file (.h5)", "safetensors.numpy.save_file"),
    ] {
      let bytes = try #require(try files("kind/").first { kind($0.name) == name }?.bytes)
      let path = try folder.write(bytes)
      let errors = [
        try formatError { _ = try TextFile.text(of: path) },
        try formatError { _ = try CSVReader(path: path) },
        name.hasPrefix("an HDF5") ? nil : try formatError { _ = try TarReader(path: path) },
      ]
      for case let error? in errors {
        #expect(error.advice.contains(words), "\(name): \(error.advice)")
      }
    }
  }

  /// The streams as gzip writes them, padded and not; `refused` are those that Python's gzip refuses.
  @Test func gzipIsReadAsPythonReadsIt() throws {
    let expected = try files("content")[0].bytes.dropFirst(8)
    let refused = try files("refused/").map(\.name)
    let streams = try files("gzip/")
    #expect(streams.count == 6 && refused.count == 3)
    for (name, bytes) in streams {
      let path = try folder.write(bytes)
      var content = [UInt8](repeating: 0, count: expected.count)
      let error = try formatError {
        let file = try IDXFile(path: path)
        try content.withUnsafeMutableBytes { try file.read(into: $0) }
      }
      #expect((error != nil) == refused.contains(name), "\(name): \(error?.description ?? "read")")
      #expect(error != nil || content.elementsEqual(expected), "\(name)")
      if name == "garbage" { #expect(error?.what.contains("follow the last gzip member") == true) }
    }
  }
}
