import DLCore
import Foundation

/// The failure of one rank, as every rank throws it.
package struct RankFailure: DLError, Equatable {
  /// The lowest rank that failed.
  package let rank: Int
  /// The exit code of that rank's error.
  package let exitCode: ExitCode
  /// One line: that rank's error and, where not all ranks have the same, which it was.
  package let message: String

  /// Makes the failure that all ranks of a communicator throw.
  package init(rank: Int, exitCode: ExitCode, message: String) {
    self.rank = rank
    self.exitCode = exitCode
    self.message = message
  }

  /// The message.
  package var description: String { message }
}

extension Communicator {
  /// Runs `body` on every rank and lets all ranks agree on the outcome.
  ///
  /// The failure is that of the lowest rank whose body throws; its line names the rank, unless all
  /// ranks have the same fault. An error that is no ``DLError`` counts as an internal fault, a
  /// POSIX or file error as I/O; `what` says what was attempted then.
  ///
  /// - Throws: on every rank the same `RankFailure`, where one or more of the bodies throw;
  ///   `ClusterError` where a rank is lost before all have agreed.
  package func agreed<R>(_ what: String, _ body: () throws -> R) throws -> R {
    let outcome = Result { try body() }
    var failure: RankFailure?
    if case .failure(let error) = outcome { failure = describe(error, what) }
    let text = Array((failure?.message ?? "").utf8.prefix(1 << 16))
    // Whether it failed, the rank that the fault is of and its code, the length and a hash of the line.
    let width = 5
    let headers = try allgather([
      failure == nil ? 0 : 1, Int64(failure?.rank ?? 0), Int64(failure?.exitCode.rawValue ?? 0),
      Int64(text.count), Int64(bitPattern: stableHash(failure?.message ?? "")),
    ])
    guard let failed = (0..<size).first(where: { headers[width * $0] != 0 }) else {
      return try outcome.get()
    }
    let header = headers[width * failed..<width * (failed + 1)].map { $0 }
    var message = text
    if failed != rank { message = Array(repeating: 0, count: Int(header[3])) }
    try message.withUnsafeMutableBytes { try broadcast($0, root: failed) }
    let isOfAll = (0..<size).allSatisfy { rank in
      [0, 2, 3, 4].allSatisfy { headers[width * rank + $0] == header[$0] }
    }
    // What came as a failure that ranks have agreed on says where it was, if that matters.
    let isPlaced = header[1] == RankFailure.unplaced && !isOfAll
    throw RankFailure(
      rank: header[1] == RankFailure.unplaced ? failed : Int(header[1]),
      exitCode: ExitCode(rawValue: Int32(header[2])) ?? .fault,
      message: String(decoding: message, as: UTF8.self) + (isPlaced ? " (rank \(failed))" : ""))
  }

  /// An error as a failure whose line does not say yet which rank it was.
  private func describe(_ error: any Error, _ what: String) -> RankFailure {
    if let error = error as? RankFailure { return error }
    let rank = Int(RankFailure.unplaced)
    if let error = error as? any DLError {
      return RankFailure(rank: rank, exitCode: error.exitCode, message: "\(error)")
    }
    let isFile = error is POSIXError || error is CocoaError
    let text = isFile ? error.localizedDescription : "\(error)"
    return RankFailure(
      rank: rank, exitCode: isFile ? .io : .fault, message: "\(what): \(text)")
  }
}

extension RankFailure {
  /// In place of the rank, while it is the one that tells it.
  fileprivate static var unplaced: Int64 { -1 }
}
