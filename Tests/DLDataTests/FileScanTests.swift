import CKernels
import DLCluster
import DLCore
import DLData
import DLFormats
import DLTestSupport
import Foundation
import Testing

/// The pass over a data set file: what it finds, whoever makes it, and how long that is believed.
@Suite struct FileScanTests {
  let folder = TemporaryFolder()
  private var path: String { folder.path + "/data.safetensors" }
  private var cache: StatisticsCache { StatisticsCache(folder: folder.path + "/cache") }

  /// Some 5 MiB, so that ranks have several pieces each.
  private func write(
    x: [Float]? = nil, y: [Int32]? = nil, metadata: [String: String] = [:], to path: String? = nil
  ) throws {
    let x = x ?? (0..<1_000_003).map { Float($0 % 977) - 300 }
    let y = y ?? (0..<300_000).map { Int32($0 * 7 % 501) - 1 }
    try SafetensorsWriter.write(
      [
        tensor("x", .float32, [x.count], x), tensor("y", .int32, [y.count], y),
        tensor("z", .uint8, [3], [UInt8]([1, 2, 3])),
      ], metadata: metadata, to: path ?? self.path)
  }

  private func scan(ranks: Int = 1, cache: StatisticsCache? = nil) throws -> [FileStatistics?] {
    let path = path
    return try ThreadGroup.run(ranks: ranks) { communicator in
      try FileScan.statistics(of: [path], over: communicator, cache: cache)[path]
    }
  }

  @Test func findsTheSameOnAnyNumberOfRanks() throws {
    var x = (0..<1_000_003).map { Float($0 % 977) - 300 }
    x[0] = -1000
    x[999_999] = 2000
    for index in [700_001, 800_000, 800_001] { x[index] = .nan }
    try write(x: x)
    let alone = try #require(try scan()[0])
    #expect(alone.columns["z"] == nil)
    let column = try #require(alone.columns["x"])
    #expect(column.least.first == -1000 && column.greatest.first == 2000)
    #expect(column.nonFiniteCount == 3 && column.firstNonFinite == 700_001)
    let labels = try #require(alone.columns["y"])
    #expect(labels.least == [-1, 0] && labels.greatest == [499, 498])
    #expect(labels.range(without: -1) == 0...499)
    #expect(labels.range(without: 499) == -1...498)
    #expect(labels.range(without: 7) == -1...499)
    for ranks in [2, 3, 5, 8] {
      #expect(try scan(ranks: ranks).allSatisfy { $0 == alone }, "\(ranks) ranks")
    }
  }

  @Test func theDigestIsThatOfTheContentAlone() throws {
    try write()
    let digest = try #require(try scan()[0]).digest
    #expect(digest.count == 16)
    try write(metadata: ["class_names": "[]"])
    #expect(try scan()[0]?.digest == digest)
    let other = folder.path + "/other.safetensors"
    try File.rename(path, to: other)
    #expect(
      try FileScan.statistics(of: [other], over: SingleRank(), cache: nil)[other]?.digest == digest)
    var y = (0..<300_000).map { Int32($0 * 7 % 501) - 1 }
    y.swapAt(299_998, 299_999)
    try write(y: y)
    #expect(try scan()[0]?.digest != digest)
    try write(x: Array(repeating: 0, count: 1_000_002))
    #expect(try scan()[0]?.digest != digest)
  }

  @Test func filesThatAreNoneAreLeftToTheirOpening() throws {
    _ = try folder.write("nothing", to: "data.safetensors")
    for ranks in [1, 3] { #expect(try scan(ranks: ranks).allSatisfy { $0 == nil }) }
  }

  /// Ranks of hosts with disks of their own share the pass with those that see the same file.
  @Test func ranksWithFilesOfTheirOwnDoNotMixThem() throws {
    let folder = folder.path
    for rank in 0..<4 {
      try File.makeFolder("\(folder)/\(rank)")
      try write(
        x: (0..<900_000).map { Float($0 + rank / 2) }, to: "\(folder)/\(rank)/data.safetensors")
    }
    try File.remove("\(folder)/3/data.safetensors")
    #expect(link("\(folder)/2/data.safetensors", "\(folder)/3/data.safetensors") == 0)
    // All look at one path that leads each to its own file.
    let found = try ThreadGroup.run(ranks: 4) { communicator in
      let path = "\(folder)/\(communicator.rank)/data.safetensors"
      return try FileScan.statistics(of: [path], over: communicator, cache: nil)[path]
    }
    #expect(found.map { $0?.columns["x"]?.greatest.first } == [899_999, 899_999, 900_000, 900_000])
    #expect(found[0] == found[1] && found[2] == found[3] && found[0] != found[2])
  }

  @Test func aVerdictIsKeptForTheFileAndNotForItsPath() throws {
    try write()
    let identity = try SafetensorsFile(path: path).identity()
    let found = try #require(try scan()[0])
    cache.keep(found, of: identity, now: identity.changed + 3_000_000_000)
    #expect(cache.statistics(of: identity) == found)
    let column = try #require(found.columns["y"])
    // What is kept is believed: nobody reads the file again.
    let other = FileStatistics(digest: "0123456789abcdef", columns: ["y": column])
    cache.keep(other, of: identity, now: identity.changed + 3_000_000_000)
    for ranks in [1, 3] {
      #expect(try scan(ranks: ranks, cache: cache).allSatisfy { $0 == other })
    }
  }

  @Test func aWriteEndsIt() throws {
    try write()
    let before = try SafetensorsFile(path: path).identity()
    let found = try #require(try scan()[0])
    let now = before.changed + 3_000_000_000
    cache.keep(found, of: before, now: now)
    // One byte, and the times of before given back.
    usleep(20_000)
    let file = try File(path, .update)
    try file.write("\u{1}", at: before.byteCount - 1)
    var times = [timespec](repeating: timespec(), count: 2)
    for index in 0..<2 {
      times[index].tv_sec = before.modified / 1_000_000_000
      times[index].tv_nsec = before.modified % 1_000_000_000
    }
    #expect(utimensat(AT_FDCWD, path, times, 0) == 0)
    let after = try SafetensorsFile(path: path).identity()
    #expect(after.modified == before.modified && after.byteCount == before.byteCount)
    #expect(cache.statistics(of: after) == nil)
    #expect(try scan(cache: cache)[0]?.digest != found.digest)
  }

  /// A write within the same tick of the file system's clock would go unnoticed.
  @Test func whatWasJustWrittenIsNotKept() throws {
    try write()
    let identity = try SafetensorsFile(path: path).identity()
    let found = try #require(try scan()[0])
    cache.keep(found, of: identity, now: identity.changed + 1_000_000_000)
    #expect(cache.statistics(of: identity) == nil)
  }

  @Test func aCacheThatCannotBeUsedIsNoError() throws {
    try write()
    let identity = try SafetensorsFile(path: path).identity()
    let found = try #require(try scan()[0])
    let now = identity.changed + 3_000_000_000
    _ = try folder.write("", to: "file")
    let none = StatisticsCache(folder: folder.path + "/file/cache")
    none.keep(found, of: identity, now: now)
    #expect(none.statistics(of: identity) == nil)
    #expect(try scan(cache: none)[0] == found)
    cache.keep(found, of: identity, now: now)
    let entry = try #require(try File.list(cache.folder).first)
    for text in ["", "{", "{}", "[1]", "{\"file\":\"x\"}"] {
      try File(cache.folder + "/" + entry, .create).write(text)
      #expect(cache.statistics(of: identity) == nil)
    }
  }

  @Test func manyWritersLeaveOneWholeEntry() throws {
    try write()
    let identity = try SafetensorsFile(path: path).identity()
    let found = try #require(try scan()[0])
    let cache = cache
    let seen = try ThreadGroup.run(ranks: 8) { _ in
      (0..<50).allSatisfy { _ in
        cache.keep(found, of: identity, now: identity.changed + 3_000_000_000)
        return cache.statistics(of: identity) == found
      }
    }
    #expect(seen.allSatisfy { $0 })
    #expect(try File.list(cache.folder).count == 1)
  }
}
