import DLTensor
import Glibc

/// The keys and values that an attention has seen, so that generation computes each once.
///
/// Rows of the batch are texts; with every call their next positions are appended. Meant for use
/// without recording: no gradient flows through it.
public final class KeyValueCache {
  /// The positions held.
  package private(set) var length = 0

  private var keys: Tensor?
  private var values: Tensor?

  /// Makes an empty cache.
  public init() {}

  /// Forgets everything, as for the next text.
  package func reset() {
    length = 0
    keys = nil
    values = nil
  }

  /// Forgets all but the first positions.
  package func truncate(to length: Int) { self.length = min(self.length, max(length, 0)) }

  /// Makes text i the former text `rows[i]`, as a beam search does; texts may repeat or vanish.
  ///
  /// - Throws: `TensorError` for a text that is not there.
  package func select(_ rows: [Int]) throws {
    for part in [\KeyValueCache.keys, \.values] {
      guard let old = self[keyPath: part] else { continue }
      guard rows.allSatisfy({ (0..<old.shape[0]).contains($0) }) else {
        throw TensorError(op: "cache", "texts \(rows) are not all in 0 ..< \(old.shape[0])")
      }
      let new = try Tensor.empty(
        [rows.count, old.shape[1], old.shape[2]], dtype: old.dtype, context: old.context)
      let row = old.shape[1] * old.shape[2] * old.dtype.byteCount
      let held = length * old.shape[2] * old.dtype.byteCount
      for (to, from) in rows.enumerated() {
        memcpy(new.pointer + to * row, old.pointer + from * row, held)
      }
      self[keyPath: part] = new
    }
  }

  /// Appends the keys and values that stand in one tensor `[batch, time, parts · size]`, side by
  /// side, the keys in part `first`.
  func append(_ packed: Tensor, first: Int, of parts: Int) throws {
    let (time, size) = (packed.shape[1], packed.shape[2] / parts)
    try reserve(packed, time, keySize: size, valueSize: size)
    keys.map { copy(packed, part: first, of: parts, to: $0) }
    values.map { copy(packed, part: first + 1, of: parts, to: $0) }
    length += time
  }

  /// Appends keys and values, each `[batch, time, size]`.
  func append(keys newKeys: Tensor, values newValues: Tensor) throws {
    try reserve(
      newKeys, newKeys.shape[1], keySize: newKeys.shape[2], valueSize: newValues.shape[2])
    keys.map { copy(newKeys, part: 0, of: 1, to: $0) }
    values.map { copy(newValues, part: 0, of: 1, to: $0) }
    length += newKeys.shape[1]
  }

  /// The keys and the values held, as an attention reads them.
  func inputs(heads: Int) throws -> (AttentionInput, AttentionInput) {
    guard let keys, let values else {
      throw TensorError(op: "cache", "is empty", exitCode: .fault)
    }
    return (
      try AttentionInput(keys, heads: heads, length: length),
      try AttentionInput(values, heads: heads, length: length)
    )
  }

  /// Makes room for more positions, twice as much as before where there is not enough.
  private func reserve(_ x: Tensor, _ time: Int, keySize: Int, valueSize: Int) throws {
    guard !x.context.isRecording else {
      throw TensorError(op: "cache", "holds no gradients; generate without recording")
    }
    for (part, size) in [(\KeyValueCache.keys, keySize), (\.values, valueSize)] {
      let old = self[keyPath: part]
      if let old {
        guard old.shape[0] == x.shape[0], old.shape[2] == size, old.dtype == x.dtype else {
          throw TensorError(
            op: "cache",
            "holds \(old.shape[0]) texts of \(old.shape[2]) \(old.dtype) features, the next "
              + "positions are \(x.dtype) \(x.shape); select texts or reset it")
        }
        if length + time <= old.shape[1] { continue }
      }
      let room = max(16, length + time, 2 * (old?.shape[1] ?? 0))
      let new = try Tensor.empty([x.shape[0], room, size], dtype: x.dtype, context: x.context)
      if let old {
        let (width, bytes) = (size * x.dtype.byteCount, length * size * x.dtype.byteCount)
        for row in 0..<x.shape[0] {
          memcpy(
            new.pointer + row * room * width, old.pointer + row * old.shape[1] * width, bytes)
        }
      }
      self[keyPath: part] = new
    }
  }

  private func copy(_ x: Tensor, part: Int, of parts: Int, to target: Tensor) {
    let time = x.shape[1]
    let bytes = target.shape[2] * x.dtype.byteCount
    for row in 0..<x.shape[0] {
      for step in 0..<time {
        memcpy(
          target.pointer + (row * target.shape[1] + length + step) * bytes,
          x.pointer + ((row * time + step) * parts + part) * bytes, bytes)
      }
    }
  }
}

/// The caches of a stack of Transformer layers.
public final class TransformerCache {
  /// The keys and values that each layer's self-attention has seen.
  package let selfAttention: [KeyValueCache]
  /// The keys and values of the memory in each decoder layer.
  package let memory: [KeyValueCache]

  /// Makes empty caches for that many layers.
  public init(layers: Int) {
    selfAttention = (0..<layers).map { _ in KeyValueCache() }
    memory = (0..<layers).map { _ in KeyValueCache() }
  }

  /// The positions held, which is where the next one goes.
  package var length: Int { selfAttention.first?.length ?? 0 }

  /// Makes text i the former text `rows[i]`, as a beam search does.
  ///
  /// - Throws: `TensorError` for a text that is not there.
  public func select(_ rows: [Int]) throws {
    for cache in selfAttention + memory { try cache.select(rows) }
  }

  /// Forgets everything.
  package func reset() {
    for cache in selfAttention + memory { cache.reset() }
  }
}
