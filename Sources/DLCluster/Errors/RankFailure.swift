import DLCore
import Foundation

/// The failure of one rank, as every rank throws it.
public struct RankFailure: DLError, Equatable {
  /// The lowest rank that failed.
  public let rank: Int
  /// The exit code of that rank's error.
  public let exitCode: ExitCode
  /// One line: that rank's error and, where there are several ranks, which it was.
  public let message: String

  /// Makes the failure that all ranks of a communicator throw.
  public init(rank: Int, exitCode: ExitCode, message: String) {
    self.rank = rank
    self.exitCode = exitCode
    self.message = message
  }

  /// The message.
  public var description: String { message }
}

extension Communicator {
  /// Runs `body` on every rank and lets all ranks agree on the outcome.
  ///
  /// If any rank's body throws, every rank throws the same ``RankFailure``, that of the lowest
  /// rank. An error that is no ``DLError`` counts as an internal fault, a POSIX or file error as
  /// I/O; `what` says what was attempted then.
  public func agreed<R>(_ what: String, _ body: () throws -> R) throws -> R {
    let outcome = Result { try body() }
    var failure: RankFailure?
    if case .failure(let error) = outcome { failure = describe(error, what) }
    let text = Array((failure?.message ?? "").utf8.prefix(1 << 16))
    let headers = try allgather([
      failure == nil ? 0 : 1, Int64(failure?.rank ?? 0), Int64(failure?.exitCode.rawValue ?? 0),
      Int64(text.count),
    ])
    guard let failed = (0..<size).first(where: { headers[4 * $0] != 0 }) else {
      return try outcome.get()
    }
    var message = text
    if failed != rank { message = Array(repeating: 0, count: Int(headers[4 * failed + 3])) }
    try message.withUnsafeMutableBytes { try broadcast($0, root: failed) }
    throw RankFailure(
      rank: Int(headers[4 * failed + 1]),
      exitCode: ExitCode(rawValue: Int32(headers[4 * failed + 2])) ?? .fault,
      message: String(decoding: message, as: UTF8.self))
  }

  private func describe(_ error: any Error, _ what: String) -> RankFailure {
    if let error = error as? RankFailure { return error }
    let place = size > 1 ? " (rank \(rank))" : ""
    if let error = error as? any DLError {
      return RankFailure(rank: rank, exitCode: error.exitCode, message: "\(error)\(place)")
    }
    let isFile = error is POSIXError || error is CocoaError
    let text = isFile ? error.localizedDescription : "\(error)"
    return RankFailure(
      rank: rank, exitCode: isFile ? .io : .fault, message: "\(what): \(text)\(place)")
  }
}
