import DLFormats

/// A run of a checkpoint's bytes, whose checksums one of several readers makes: together they read
/// the file once, and a large tensor is not left to one of them.
struct CheckpointSlice {
  /// A part of a tensor that reaches beyond a slice.
  struct Piece {
    /// The tensor's place in the file; -1 for no piece.
    var tensor = -1
    var sum = CRC32()
    var byteCount = 0
  }

  /// The sums over a slice.
  struct Sums {
    /// The first tensor within the slice whose checksum is wrong; nil for none.
    var bad: Int?
    /// The parts of its first and its last tensor, where these reach beyond it.
    var pieces: [Piece] = []
  }

  /// The bytes, counted from the file's beginning.
  let bytes: Range<Int>

  /// One of `parts` slices of about the same length.
  init(of checkpoint: Checkpoint.Opened, part: Int, parts: Int) {
    let tensors = checkpoint.file.tensors
    let start = tensors.first?.bytes.lowerBound ?? 0
    let count = (tensors.last?.bytes.upperBound ?? 0) - start
    func cut(_ part: Int) -> Int {
      start + count / parts * part + min(count % parts, part)
    }
    bytes = cut(part)..<cut(part + 1)
  }

  /// Reads the slice, in pieces of a megabyte.
  ///
  /// - Throws: `FormatError` where the file cannot be read.
  func read(_ checkpoint: Checkpoint.Opened) throws -> Sums {
    var result = Sums()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { buffer.deallocate() }
    for (index, info) in checkpoint.file.tensors.enumerated() {
      let range = info.bytes.clamped(to: bytes)
      guard !range.isEmpty else {
        // Nobody reads a tensor of no bytes; all see whether that is what it should be.
        if info.bytes.isEmpty, checkpoint.sums[index] != 0 { result.bad = result.bad ?? index }
        continue
      }
      var sum = CRC32()
      for start in stride(from: range.lowerBound, to: range.upperBound, by: buffer.count) {
        let part = start..<min(start + buffer.count, range.upperBound)
        let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<part.count])
        let first = part.lowerBound - info.bytes.lowerBound
        try checkpoint.file.read(info, bytes: first..<first + part.count, into: piece)
        sum.update(UnsafeRawBufferPointer(piece))
      }
      if range != info.bytes {
        result.pieces.append(Piece(tensor: index, sum: sum, byteCount: range.count))
      } else if sum.value != checkpoint.sums[index] {
        result.bad = result.bad ?? index
      }
    }
    return result
  }

  /// The first tensor whose checksum is wrong, given what all slices of a file came to, in their
  /// order; nil for none.
  static func firstBad(_ slices: [Sums], _ checkpoint: Checkpoint.Opened) -> Int? {
    var bad = slices.compactMap(\.bad)
    var open = Piece()
    func close() {
      if open.tensor >= 0, open.sum.value != checkpoint.sums[open.tensor] {
        bad.append(open.tensor)
      }
    }
    for piece in slices.flatMap(\.pieces) {
      if piece.tensor == open.tensor {
        open.sum.append(piece.sum, byteCount: piece.byteCount)
      } else {
        close()
        open = piece
      }
    }
    close()
    return bad.min()
  }
}
