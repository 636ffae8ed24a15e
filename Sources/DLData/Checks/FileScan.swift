import DLCluster
import DLCore
import DLFormats
import Glibc

/// The one pass over a data set file, which ranks share.
package enum FileScan {
  /// Pieces that a rank scans before all ranks meet, so that a long pass is no standstill.
  private static let piecesPerRound = 1024

  /// The statistics of files by their paths, the same on all ranks that see the same file; those
  /// that cannot be opened are left out, since opening them says why.
  ///
  /// Every rank calls it. Each scans a part of the pieces; ranks that have another file under the
  /// path, as on disks of their own, share the pass among themselves. What the cache of every rank
  /// knows is not read again.
  ///
  /// - Throws: `RankFailure` where a file cannot be read.
  package static func statistics(
    of paths: [String], over communicator: any Communicator,
    cache: StatisticsCache? = .standard
  ) throws -> [String: FileStatistics] {
    // Ranks that run different jobs are told so later on; until then each goes by itself.
    let job = Int64(bitPattern: stableHash(paths.joined(separator: "\0")))
    let areEqual = try communicator.allgather([job]).allSatisfy { $0 == job }
    let peers: any Communicator = areEqual ? communicator : SingleRank()
    var result: [String: FileStatistics] = [:]
    for path in paths where result[path] == nil {
      result[path] = try statistics(of: path, over: peers, cache: cache)
    }
    return result
  }

  private static func statistics(
    of path: String, over communicator: any Communicator, cache: StatisticsCache?
  ) throws -> FileStatistics? {
    let file = try? SafetensorsFile(path: path)
    let identity = try? file?.identity()
    let known = identity.flatMap { cache?.statistics(of: $0) }
    let pieces = file.map(FilePiece.all) ?? []
    let content = identity.map { "\($0)" } ?? ""
    let shares = SharedPieces(
      try communicator.allgather([
        Int64(bitPattern: stableHash(content)), Int64(pieces.count), known == nil ? 0 : 1,
        Int64(bitPattern: stableHash(hostName())),
      ]), rank: communicator.rank)
    if shares.areKnown { return known }
    let records = try exchange(shares, over: communicator) { try scan(pieces[$0], of: file) }
    guard let file, let identity else { return nil }
    let statistics = FileStatistics(merging: records, pieces, of: file, identity)
    // What was written meanwhile may have been seen in part.
    if shares.isFirstOfHost, try file.identity() == identity {
      cache?.keep(statistics, of: identity)
    }
    return statistics
  }

  /// Scans this rank's pieces and gets what the others found of theirs, in the order of all.
  private static func exchange(
    _ shares: SharedPieces, over communicator: any Communicator,
    _ scan: (Range<Int>) throws -> [PieceRecord]
  ) throws -> [PieceRecord] {
    let size = PieceRecord.wordCount
    var found = [[PieceRecord]](repeating: [], count: shares.team.count)
    for first in stride(from: 0, to: shares.longest, by: piecesPerRound) {
      let length = min(piecesPerRound, shares.longest - first)
      let mine = shares.mine.dropFirst(first).prefix(length)
      let outcome = Result { try scan(mine.startIndex..<mine.endIndex) }
      var words = ((try? outcome.get()) ?? []).flatMap(\.words)
      words += repeatElement(0, count: length * size - words.count)
      let all = try communicator.allgather(words)
      _ = try communicator.agreed("read the data") { try outcome.get() }
      for (place, rank) in shares.team.enumerated() {
        let count = min(max(shares.pieces(place).count - first, 0), length)
        for index in 0..<count {
          let begin = (rank * length + index) * size
          found[place].append(PieceRecord(words: all[begin..<begin + size]))
        }
      }
    }
    return found.flatMap { $0 }
  }

  private static func scan(_ pieces: ArraySlice<FilePiece>, of file: SafetensorsFile?) throws
    -> [PieceRecord]
  {
    guard let file, !pieces.isEmpty else { return [] }
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: FilePiece.byteCount, alignment: 64)
    defer { buffer.deallocate() }
    return try pieces.map { piece in
      let info = file.tensors[piece.tensor]
      let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer[..<piece.bytes.count])
      try file.read(info, bytes: piece.bytes, into: bytes)
      return PieceRecord(UnsafeRawBufferPointer(bytes), info.dtype)
    }
  }

  /// The statistics of one tensor of an open file, by a pass of this rank alone.
  static func column(_ info: SafetensorsInfo, of file: SafetensorsFile) throws -> ColumnStatistics {
    let index = file.tensors.firstIndex { $0.name == info.name } ?? 0
    let pieces = FilePiece.all(of: file).filter { $0.tensor == index }
    var statistics = ColumnStatistics()
    for (record, piece) in zip(try scan(pieces[...], of: file), pieces) {
      statistics.merge(
        record.statistics, offset: piece.bytes.lowerBound / info.dtype.byteCount)
    }
    return statistics
  }
}

/// The ranks that see one file, and the pieces of it that each of them scans.
private struct SharedPieces {
  /// The ranks that see the same file as this one, ascending.
  let team: [Int]
  /// This rank's pieces.
  let mine: Range<Int>
  /// True if all ranks know the statistics of their file already.
  let areKnown: Bool
  /// True if no rank before this one is on the same host.
  let isFirstOfHost: Bool
  /// The most pieces that any rank has.
  let longest: Int
  private let count: Int

  /// Makes the shares from four words of each rank: file, pieces, whether it is known, host.
  init(_ headers: [Int64], rank: Int) {
    let ranks = 0..<headers.count / 4
    func header(_ rank: Int) -> ArraySlice<Int64> { headers[4 * rank..<4 * rank + 4] }
    func file(_ rank: Int) -> [Int64] { Array(headers[4 * rank..<4 * rank + 2]) }
    team = ranks.filter { file($0) == file(rank) }
    count = Int(headers[4 * rank + 1])
    areKnown = ranks.allSatisfy { headers[4 * $0 + 2] != 0 }
    isFirstOfHost = !ranks.prefix(rank).contains { headers[4 * $0 + 3] == headers[4 * rank + 3] }
    let sizes = Dictionary(grouping: ranks, by: file).map { key, members in
      (Int(key[1]) + members.count - 1) / members.count
    }
    longest = sizes.max() ?? 0
    let place = team.firstIndex(of: rank) ?? 0
    mine = Self.pieces(place, team.count, count)
  }

  /// The pieces of the team's rank at `place`.
  func pieces(_ place: Int) -> Range<Int> { Self.pieces(place, team.count, count) }

  private static func pieces(_ place: Int, _ ranks: Int, _ count: Int) -> Range<Int> {
    let each = (count + ranks - 1) / ranks
    return min(place * each, count)..<min((place + 1) * each, count)
  }
}
