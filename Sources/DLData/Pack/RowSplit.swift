import DLCore
import DLFormats
import DLTensor

/// Which rows of a table are for training and which for validation.
struct RowSplit {
  /// The rows to train on, in the order of the source.
  let train: [Int]
  /// The others, in the same order.
  let validation: [Int]

  /// Draws the first `fraction` of a permutation that is keyed by the seed; `fraction * count` is
  /// rounded.
  ///
  /// - Throws: `DataError` for a fraction out of range, a content error where a part would be empty.
  init(count: Int, fraction: Double, seed: Int, source: String) throws {
    guard fraction > 0, fraction <= 1 else {
      throw DataError("split: \(fraction) is out of range, give 0 < split <= 1")
    }
    var order = Array(0..<count)
    var stream = RandomStream(RandomKey(seed).child("split"))
    stream.shuffle(&order)
    let cut = Int((Double(count) * fraction).rounded())
    guard cut > 0, fraction == 1 || cut < count else {
      throw FormatError(
        .content, file: source, "has \(counted(count, "row")), too few for two parts",
        advice: "give more rows, or --split 1 for one part")
    }
    train = order[..<cut].sorted()
    validation = order[cut...].sorted()
  }
}

/// Where packed parts go: files of a folder, or one file that is named.
struct PackOutput {
  private let output: String
  private let isFile: Bool

  /// Takes a folder, or the name of a file that ends with `.safetensors`, for one part alone.
  ///
  /// - Throws: `DataError` for a file where there are several parts.
  init(_ output: String, parts: Int) throws {
    self.output = output
    isFile = output.ends(with: ".safetensors")
    guard !isFile || parts == 1 else {
      throw DataError("\(output): is one file for \(parts) parts, name a folder, or give --split 1")
    }
  }

  /// Makes the folder.
  func make() throws {
    if !isFile { try File.makeFolder(output) }
  }

  /// The path of a part.
  func path(_ part: String) -> String { isFile ? output : "\(output)/\(part).safetensors" }
}
