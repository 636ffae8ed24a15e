import DLFormats

/// The keys that each query of an attention sees.
package struct ONNXMask {
  /// The name of a bool value that broadcasts to the scores.
  package let name: String
  /// True where a query may see no key, and gets zeros.
  var mayHideAll = false
}

extension ONNXGraph {
  /// `Softmax` over the keys that a mask shows.
  ///
  /// - Throws: ``TensorError`` where there is no memory for a constant of the mask.
  package func softmax(_ scores: String, _ mask: ONNXMask?) throws -> String {
    guard let mask else { return node("Softmax", [scores], ["axis": -1]) }
    let seen = node("Where", [mask.name, scores, try constant([-1e30])])
    let weights = node("Softmax", [seen], ["axis": -1])
    guard mask.mayHideAll else { return weights }
    return node("Where", [mask.name, weights, try constant([0])])
  }

  /// The mask of self-attention over rows of a fixed length; nil where everything is seen.
  func mask(_ x: ONNXValue, isCausal: Bool, window: Int? = nil) -> ONNXMask? {
    let time = x.row[0]
    var masks: [String] = []
    func places(_ shape: [Int]) -> String { integers(Array(0..<time), shape: shape) }
    if isCausal {
      masks.append(
        shared("causal \(time)") {
          node("LessOrEqual", [places([1, time]), places([time, 1])])
        })
    }
    if let window {
      masks.append(
        shared("window \(window) \(time)") {
          let offsets = node("Sub", [places([time, 1]), places([1, time])])
          let distance = node("Abs", [offsets])
          return node("LessOrEqual", [distance, integers([window], shape: [])])
        })
    }
    if let lengths = x.lengths {
      masks.append(node("Unsqueeze", [valid(lengths, of: time), integers([1, 2])]))
    }
    let all = masks.dropFirst().reduce(masks.first) { both, mask in
      both.map { node("And", [$0, mask]) }
    }
    return all.map { ONNXMask(name: $0, mayHideAll: x.lengths != nil) }
  }

  // MARK: Texts of any length

  /// The numbers from 0 to below the size of an axis, int64.
  package func places(alongAxis axis: Int, of name: String) -> String {
    shared("places \(axis) " + name) {
      let size = node("Shape", [name], ["start": .int(axis), "end": .int(axis + 1)])
      let count = self.axis("Squeeze", size, 0)
      return node("Range", [integers([0], shape: []), count, integers([1], shape: [])])
    }
  }

  /// The length of each row of tokens `[batch, time]`, which ends behind the last that is not the one
  /// for padding; int64 `[batch, 1]`.
  package func lengths(ofTexts tokens: String, padding: Int) -> String {
    shared("lengths of texts \(padding) " + tokens) {
      let isPadding = node("Equal", [cast(tokens, to: .int64), integers([padding], shape: [])])
      let counted = cast(node("Not", [isPadding]), to: .int64)
      let ends = node("Add", [places(alongAxis: 1, of: tokens), integers([1], shape: [])])
      return node("ReduceMax", [node("Mul", [counted, ends])], ["axes": [1], "keepdims": 1])
    }
  }

  /// The mask of keys that are tokens of texts `[batch, time]`, over scores of `rank` axes.
  package func mask(lengths: String, ofTexts tokens: String, rank: Int) -> ONNXMask {
    let name = shared("mask \(rank) \(lengths) " + tokens) {
      let valid = node("Less", [places(alongAxis: 1, of: tokens), lengths])
      return node("Unsqueeze", [valid, integers(Array(1..<rank - 1))])
    }
    return ONNXMask(name: name, mayHideAll: true)
  }

  /// The mask of self-attention that sees no later token of texts `[batch, time]`.
  package func causalMask(ofTexts tokens: String) -> ONNXMask {
    let name = shared("causal texts " + tokens) {
      let places = places(alongAxis: 1, of: tokens)
      return node(
        "LessOrEqual", [axis("Unsqueeze", places, 0), axis("Unsqueeze", places, 1)])
    }
    return ONNXMask(name: name)
  }
}
