import CKernels
import DLCluster
import DLCore
import DLFormats
import DLTensor

/// Windows of a long row of tokens for language models: x are T tokens, y the T that follow each.
///
/// The file has `tokens` I32 [N] and the metadata `classes`. Tokens are read when they are asked
/// for and checked then.
package final class TokenWindowDataset: Dataset {
  /// The windows that are rows.
  package enum Windows: Sendable, Hashable {
    /// Row i begins at token i: N - T rows that overlap. With a shuffled order these are the random
    /// windows of nanoGPT's `get_batch`.
    case everyOffset
    /// Row i begins at token i T: all tokens once, for validation; what is left over is left out.
    case disjoint
    /// The tokens are cut into `count` streams of equal length, and row s * count + b is stretch s
    /// of stream b. Read in order with a batch of `count` rows, row b of a step goes on where row b
    /// of the step before ended, for truncated back-propagation with carried state.
    case streams(count: Int)
  }

  /// The number of rows.
  package let count: Int
  /// `[T]`.
  package let inputShape: [Int]
  /// int32.
  package let inputType = DType.int32
  /// `[T]`.
  package let labelShape: [Int]
  /// int32.
  package let labelType = DType.int32
  /// The number of different tokens.
  package let classCount: Int?
  /// The number of tokens of the file.
  package let tokenCount: Int
  /// The path as the caller gave it.
  package var path: String { file.path }

  private let statistics: FileStatistics?
  private let file: SafetensorsFile
  private let info: SafetensorsInfo
  private let vocabulary: Int
  private let window: Int
  private let streams: Int
  private let stride: Int
  private let streamLength: Int

  /// Returns whether a file holds a row of tokens.
  ///
  /// - Throws: `FormatError` where the file cannot be read, or is no safetensors file.
  package static func isTokenFile(_ path: String) throws -> Bool {
    try SafetensorsFile(path: path)["tokens"] != nil
  }

  /// Opens a file for windows of `window` tokens; `statistics` are what a pass over it found, nil to
  /// make the pass where tokens are checked.
  ///
  /// - Throws: a `FormatError` for a file without tokens, and `DataError` where no window fits.
  package init(
    path: String, window: Int, windows: Windows = .everyOffset, statistics: FileStatistics? = nil
  ) throws {
    file = try SafetensorsFile(path: path)
    self.statistics = try statistics?.of(file)
    info = try file.info("tokens")
    guard info.dtype == .int32, info.shape.count == 1 else {
      throw FormatError(
        .content, file: path, "tokens are \(info.dtype.rawValue) \(info.shape), not I32 [N]",
        advice: "make the file by dltrain data pack text")
    }
    guard let text = file.metadata["classes"], let vocabulary = Int(text), vocabulary > 0,
      vocabulary <= Int(Int32.max)
    else {
      throw FormatError(
        .content, file: path, "metadata: classes is missing or no number",
        advice: "make the file by dltrain data pack text")
    }
    tokenCount = info.count
    self.vocabulary = vocabulary
    self.window = window
    classCount = vocabulary
    inputShape = [window]
    labelShape = [window]
    guard window >= 1, window < info.count else {
      throw DataError(
        "\(path): a window of \(window) does not fit into \(counted(info.count, "token")) and the one after it, "
          + "give 1 to \(max(info.count - 1, 1))")
    }
    // Each window needs the token behind its end.
    let usable = info.count - 1
    switch windows {
    case .everyOffset: (streams, stride, streamLength, count) = (1, 1, usable, usable - window + 1)
    case .disjoint: (streams, stride, streamLength, count) = (1, window, usable, usable / window)
    case .streams(let number):
      guard number >= 1, usable / number >= window else {
        throw DataError(
          "\(path): \(counted(info.count, "token")) cannot be cut into \(counted(number, "stream")) of \(window) or more, "
            + "lower batch_size or the window")
      }
      (streams, stride, streamLength) = (number, window, usable / number)
      count = usable / number / window * number
    }
  }

  /// Compares all tokens with the file's own vocabulary, and with what a model takes.
  ///
  /// - Throws: `FormatError` that names the first one outside, with its row, or where the file
  ///   cannot be read.
  package func check(_ domains: DataDomains) throws {
    for (domain, taker) in [
      (.indices(count: vocabulary), "the file's vocabulary"), (domains.inputs, domains.inputTaker),
      (domains.labels, domains.labelTaker),
    ] {
      try ColumnCheck(file, info, statistics, taker: taker).require(domain)
    }
  }

  /// Reads rows, in the order given.
  ///
  /// - Throws: `FormatError` where the file cannot be read or was changed, or a token is outside
  ///   its vocabulary.
  package func read(
    rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutableRawBufferPointer,
    labels: UnsafeMutableRawBufferPointer
  ) throws {
    let size = 4 * window
    // The labels are the inputs one token on: both are read at once.
    try withUnsafeTemporaryAllocation(of: Int32.self, capacity: window + 1) { tokens in
      for (index, row) in rows.enumerated() {
        let (stretch, stream) = row.quotientAndRemainder(dividingBy: streams)
        let first = 4 * (stream * streamLength + stretch * stride)
        let bytes = UnsafeMutableRawBufferPointer(tokens)
        try file.read(info, bytes: first..<first + size + 4, into: bytes)
        let wrong = dl_first_beyond_i32(
          tokens.baseAddress, window + 1, 0, Int32(vocabulary - 1), nil)
        guard wrong > window else {
          throw FormatError(
            .content, file: path, at: info.bytes.lowerBound + first + 4 * wrong,
            "token \(tokens[wrong]) is none of the \(vocabulary)", advice: "pack it anew")
        }
        let place = index * size..<(index + 1) * size
        UnsafeMutableRawBufferPointer(rebasing: inputs[place]).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: bytes[..<size]))
        UnsafeMutableRawBufferPointer(rebasing: labels[place]).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: bytes[4...]))
      }
    }
  }
}
