import DLCore
import DLFormats
import DLTestSupport
import Testing

/// Arrays as NumPy writes them (scripts/golden/make_numpy.py).
@Suite struct NumPyTests {
  let folder = TemporaryFolder()

  private func files() throws -> SafetensorsFile {
    try SafetensorsFile(path: golden("numpy/arrays.safetensors"))
  }

  private func bytes(_ array: NumPyArray, as type: SafetensorsType) throws -> [UInt8] {
    var all: [UInt8] = []
    try array.eachPiece(as: type) { _, piece in all += piece }
    return all
  }

  @Test func everyTypeAndOrderIsNumPys() throws {
    let files = try files()
    var count = 0
    for info in files.tensors where info.name.hasPrefix("file/") && info.name.hasSuffix("-C") {
      let name = String(info.name.dropFirst(5).dropLast(2))
      for order in ["C", "F"] {
        let array = try NumPyArray(path: folder.write(files.bytes("file/\(name)-\(order)")))
        #expect(array.shape == [4, 3, 2] && array.isFortran == (order == "F"))
        #expect(try bytes(array, as: .float32) == files.bytes("\(name)/float"), "\(name)-\(order)")
        if files["\(name)/int"] != nil {
          #expect(try bytes(array, as: .int32) == files.bytes("\(name)/int"), "\(name)-\(order)")
        }
      }
      count += 1
    }
    #expect(count == 21)
  }

  @Test func allVersionsOfTheFormatAreRead() throws {
    let files = try files()
    for version in 1...3 {
      let array = try NumPyArray(path: folder.write(files.bytes("file/version\(version)")))
      #expect(try bytes(array, as: .float32) == files.bytes("little-f4/float"))
    }
  }

  /// A float64 that float32 lacks, an integer beyond int32 and a fraction among integers are named.
  @Test func numbersWithoutAnEqualAreNamed() throws {
    func npy(_ type: String, _ bits: [UInt64]) throws -> NumPyArray {
      let header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(bits.count),), }\n"
      let bytes = bits.flatMap { bits in withUnsafeBytes(of: bits.littleEndian) { Array($0) } }
      return try NumPyArray(
        path: folder.write(
          [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8)
            + bytes))
    }
    for (type, bits, target, row) in [
      ("<f8", [0, (1e300).bitPattern], SafetensorsType.float32, 1),
      ("<i8", [5, 6, 1 << 31], .int32, 2), ("<f8", [(2.5).bitPattern], .int32, 0),
      ("<u8", [.max], .int32, 0), ("<i8", [UInt64(bitPattern: -1)], .uint8, 0),
    ] {
      let array = try npy(type, bits)
      let error = try formatError { _ = try bytes(array, as: target) }
      #expect(error?.kind == .content && error?.what.hasPrefix("row \(row) has") == true)
    }
    let infinite = try npy("<f8", [Double.infinity.bitPattern])
    #expect(try values(bytes(infinite, as: .float32), as: Float.self) == [.infinity])
  }

  @Test(arguments: [
    ("texts", "holds texts, not numbers"), ("objects", "holds Python objects, not numbers"),
    ("complex", "holds complex numbers"), ("records", "holds records"),
    ("dates", "holds dates or times"),
  ])
  func whatIsNoNumberIsRefused(_ name: String, _ words: String) throws {
    let path = try folder.write(files().bytes("file/refused-\(name)"))
    let error = try formatError { _ = try NumPyArray(path: path) }
    #expect(error?.kind == .content && error?.what.contains(words) == true, "\(error?.what ?? "")")
  }

  /// Headers that promise what no file has, end in a message and not in memory.
  @Test(arguments: [
    "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 4), }",
    "{'descr': '<f4', 'fortran_order': True, 'shape': (4611686018427387904, 4), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000,), }",
    "{'descr': '<f4', 'shape': (1,), }", "{'descr': '<f4'", "{", "", "[[[[", "{'descr': '<f3'}",
    "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }",
  ])
  func headerBombsAreRefused(_ header: String) throws {
    let path = try folder.write(
      [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8)
        + [0, 0, 0, 0])
    let error = try formatError { _ = try NumPyArray(path: path) }
    #expect(error?.kind == .content && error?.file == path, "\(error?.description ?? "read")")
  }

  /// Of an array of nothing the other axes may say anything.
  @Test func anEmptyAxisIsNoRows() throws {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (0, \(Int.max), \(Int.max)), }"
    let array = try NumPyArray(
      path: folder.write(
        [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8)))
    #expect(try array.rowElements == 0 && bytes(array, as: .float32).isEmpty)
  }

  @Test func archivesAreRead() throws {
    for name in ["stored", "deflated"] {
      let archive = try NumPyArchive(path: golden("numpy/\(name).npz"))
      #expect(archive.names == (name == "stored" ? ["x", "y"] : ["x", "y", "targets"]))
      let x = try archive.array("x")
      #expect(x.shape == [12, 5] && x.type.name == "uint8" && x.isFortran == (name == "deflated"))
      #expect(try bytes(x, as: .uint8) == (0..<60).map { $0 % 23 })
      #expect(try bytes(x, as: .uint8) == (0..<60).map { $0 % 23 }, "a second time")
      #expect(try values(bytes(archive.array("y"), as: .int32), as: Int32.self).max() == 2)
      let error = try formatError { _ = try archive.array("z") }
      #expect(error?.what == "has no array \"z\"" && error?.advice.contains("x, y") == true)
    }
  }

  /// Cut, changed and grown files end in one line that names the file, or in an array.
  ///
  /// The mutations are the same at each start.
  @Test func tenThousandDamagedFilesAreReadOrRefused() throws {
    let files = try files()
    let originals =
      try ["little-f4-C", "big-i2-F", "bool-C", "refused-records"].map {
        try files.bytes("file/\($0)")
      }
      + ["stored", "deflated"].map { try File.contents(of: golden("numpy/\($0).npz")) }
    var numbers = Numbers(seed: 23)
    var (refused, opened) = (0, 0)
    for turn in 0..<10_000 {
      let bytes = numbers.damaged(originals[turn % originals.count], head: 128)
      let path = try folder.write(bytes)
      do {
        if turn % originals.count < 4 {
          _ = try self.bytes(NumPyArray(path: path), as: .float32)
        } else {
          let archive = try NumPyArchive(path: path)
          for name in archive.names { _ = try self.bytes(archive.array(name), as: .float32) }
        }
        opened += 1
      } catch let error as FormatError {
        if !error.file.hasPrefix(path) || error.description.contains("\n")
          || error.kind != .content
        {
          Issue.record("\(turn): \(error)")
        }
        refused += 1
      }
    }
    // Sizes and checksums find most; changed numbers of a .npy alone are read.
    #expect(refused > 5000 && opened > 100, "\(refused) refused, \(opened) read")
  }
}
