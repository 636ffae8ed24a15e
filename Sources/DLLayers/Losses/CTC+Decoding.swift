import DLTensor

extension CTC {
  /// The labels of the likeliest path of each row: the class with the largest output at each valid
  /// time step, repetitions merged and blanks taken out.
  ///
  /// Shapes: outputs `[batch, time, classes]`, valid as far as their ``Tensor/lengths`` say. "Best
  /// path decoding", Graves et al. 2006, section 3.2.
  ///
  /// - Throws: ``TensorError`` for another shape.
  package func bestPaths(_ outputs: Tensor) throws -> [[Int]] {
    guard outputs.shape.rank == 3 else {
      throw TensorError(
        op: "ctc", "outputs have shape \(outputs.shape), expected [batch, time, classes]")
    }
    let time = outputs.shape[1]
    let best = try outputs.argmax().pointer.assumingMemoryBound(to: Int32.self)
    let lengths = outputs.lengths?.pointer.assumingMemoryBound(to: Int32.self)
    return (0..<outputs.shape[0]).map { row in
      var labels: [Int] = []
      var last = blank
      for step in 0..<(lengths.map { Int($0[row]) } ?? time) {
        let label = Int(best[row * time + step])
        if label != last, label != blank { labels.append(label) }
        last = label
      }
      return labels
    }
  }
}
