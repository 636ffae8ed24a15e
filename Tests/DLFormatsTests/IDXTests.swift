import DLCore
import DLFormats
import DLTestSupport
import Foundation
import Testing

@Suite struct IDXTests {
  let folder = TemporaryFolder()
  static let words: [Int32] = [1, -2, 300, -40000, 5, 6]

  /// All elements, read in pieces of `step` bytes.
  private func read(_ path: String, step: Int) throws -> [UInt8] {
    let file = try IDXFile(path: path)
    var bytes = [UInt8](repeating: 0, count: file.byteCount)
    try bytes.withUnsafeMutableBytes { bytes in
      for begin in stride(from: 0, to: bytes.count, by: step) {
        let end = min(begin + step, bytes.count)
        try file.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[begin..<end]))
      }
    }
    return bytes
  }

  @Test(arguments: ["words.idx", "words.idx.gz"])
  func readsBigEndianElements(name: String) throws {
    let file = try IDXFile(path: golden(name))
    #expect(file.shape == [2, 3])
    #expect(file.elementType == .int32)
    for step in [4, 12, 100] {
      #expect(values(try read(golden(name), step: step), as: Int32.self) == Self.words)
    }
  }

  @Test(arguments: ["words.idx", "words.idx.gz"])
  func everyTruncationAndEveryExtraByteIsATypedError(name: String) throws {
    let bytes = try File.contents(of: golden(name))
    for count in 0..<bytes.count {
      let path = try folder.write(Array(bytes[..<count]))
      #expect(try formatError { _ = try read(path, step: 4) }?.exitCode == .data)
    }
    let path = try folder.write(bytes + [1])
    #expect(try formatError { _ = try read(path, step: 4) }?.exitCode == .data)
  }

  @Test(arguments: ["words.idx", "words.idx.gz"])
  func noFlippedByteCanTrap(name: String) throws {
    let bytes = try File.contents(of: golden(name))
    for position in bytes.indices {
      for bit in 0..<8 {
        var damaged = bytes
        damaged[position] ^= 1 << bit
        let path = try folder.write(damaged)
        let error = try formatError { _ = try read(path, step: 4) }
        #expect(error == nil || error?.exitCode == .data)
      }
    }
  }

  @Test func refusesDimensionsThatOverflowOrExceedTheFile() throws {
    let huge: [UInt8] = [0, 0, 0x0e, 3] + [UInt8](repeating: 0xff, count: 12)
    var path = try folder.write(huge)
    let overflow = try formatError { _ = try IDXFile(path: path) }
    #expect(overflow?.what.contains("overflow") == true)
    path = try folder.write([0, 0, 8, 2, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 4, 1, 2, 3])
    #expect(try formatError { _ = try IDXFile(path: path) }?.exitCode == .data)
  }

  @Test func gzipOfSeveralMembersIsOneStream() throws {
    let bytes = try File.contents(of: golden("words.idx"))
    let parts = [Array(bytes[..<20]), Array(bytes[20...])]
    let path = try folder.write(parts.flatMap(storedGzip))
    #expect(values(try read(path, step: 24), as: Int32.self) == Self.words)
  }

  /// A gzip member that stores the bytes unpacked (RFC 1951, 3.2.4).
  private func storedGzip(_ bytes: [UInt8]) -> [UInt8] {
    func little(_ value: UInt32) -> [UInt8] {
      withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
    let count = little(UInt32(bytes.count))
    return [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1] + count[..<2] + count[..<2].map(~) + bytes
      + little(bytes.withUnsafeBytes { CRC32.of($0) }) + count
  }

  @Test func refusesFoldersAndAbsentFiles() throws {
    #expect(try formatError { _ = try IDXFile(path: folder.path) }?.exitCode == .io)
    let error = try formatError { _ = try IDXFile(path: folder.path + "/absent") }
    #expect(error?.exitCode == .io)
    #expect(error?.description.contains("No such file") == true)
  }
}
