import DLTensor
import DLTestSupport
import Testing

extension GoldenCase {
  /// Embeddings and attention (scripts/golden/make_attention.py).
  static var attention: [String: OpRunner] {
    [
      "embedding": { golden, inputs in
        let (indices, weight) = (try inputs.get("indices"), try inputs.get("weight"))
        var outputs: [String: Tensor] = [:]
        if let bound = golden.options["max_norm"]?.double {
          let norm = try golden.number("norm_type")
          let same = try indices.embedding(weight)
          try same.renormalizeRows(maxNorm: bound, normType: norm)
          try weight.renormalizeRows(usedBy: indices, maxNorm: bound, normType: norm)
          outputs = ["renormalized": try weight.copy(), "same": same]
        }
        outputs["y"] = try indices.embedding(
          weight, paddingIndex: golden.options["padding_idx"]?.int)
        return outputs
      },
      "embedding_sparse": { golden, inputs in
        let padding = golden.options["padding_idx"]?.int
        return ["y": try golden.looked(inputs) { try $0.embedding($1, paddingIndex: padding) }]
      },
      "embedding_bag": { golden, inputs in
        let mode = try #require(
          golden.options["mode"]?.string.flatMap(EmbeddingBagMode.init(rawValue:)))
        return [
          "y": try inputs.get("indices").embeddingBag(
            inputs.get("weight"), offsets: inputs["offsets"], mode: mode,
            sampleWeights: inputs["sample_weights"],
            paddingIndex: golden.options["padding_idx"]?.int)
        ]
      },
      "attention": { golden, inputs in
        [
          "y": try inputs.get("query").scaledDotProductAttention(
            inputs.get("key"), inputs.get("value"), mask: golden.mask(inputs),
            scale: golden.options["scale"]?.double)
        ]
      },
      "rotary": { golden, inputs in
        let style = golden.options["style"]?.string == "half" ? RotaryStyle.half : .interleaved
        let positions = RotaryPositions(
          style, base: try golden.number("base"), width: golden.options["width"]?.int)
        return [
          "y": try inputs.get("x").rotary(positions, offset: Int(golden.number("offset")))
        ]
      },
      "sinusoidal": { golden, inputs in
        let x = try inputs.get("x")
        return [
          "y": try x
            + .sinusoids(
              time: x.shape[1], size: x.shape[2], offset: Int(golden.number("offset")),
              context: x.context)
        ]
      },
      "learned": {
        [
          "y": try $1.get("x").addingPositions(
            $1.get("weight"), offset: Int($0.number("offset")))
        ]
      },
    ]
  }

  /// One lookup, or the rows of two after each other.
  func looked(_ inputs: [String: Tensor], _ look: (Tensor, Tensor) throws -> Tensor) throws
    -> Tensor
  {
    let weight = try inputs.get("weight")
    let y = try look(inputs.get("indices"), weight)
    guard let again = inputs["indices_again"] else { return y }
    let parts = try [y, look(again, weight)].map {
      try $0.reshape([$0.shape.leading, weight.shape[1]])
    }
    return try Tensor.concat(parts, axis: 0)
  }

  /// The mask that a case describes.
  func mask(_ inputs: [String: Tensor]) throws -> AttentionMask {
    let allowed = try inputs["allowed"].map {
      try Tensor.mask($0.doubles.map { $0 != 0 }, shape: $0.shape, context: $0.context)
    }
    return AttentionMask(
      allowed: allowed, bias: inputs["bias"], lengths: inputs["lengths"], isCausal: flag("causal"),
      window: options["window"]?.int, queryOffset: options["offset"]?.int ?? 0)
  }
}
