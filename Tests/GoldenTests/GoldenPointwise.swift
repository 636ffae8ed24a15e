import DLTensor
import DLTestSupport
import Testing

extension GoldenCase {
  /// Elementwise functions, reductions and einsum (scripts/golden/make_pointwise.py).
  static var pointwise: [String: OpRunner] {
    elementwise.merging(rowReductions) { first, _ in first }
  }

  private static var elementwise: [String: OpRunner] {
    [
      "exp": { ["y": try $1.get("x").exp()] },
      "log": { ["y": try $1.get("x").log()] },
      "sqrt": { ["y": try $1.get("x").sqrt()] },
      "rsqrt": { ["y": try $1.get("x").rsqrt()] },
      "abs": { ["y": try $1.get("x").abs()] },
      "square": { ["y": try $1.get("x").square()] },
      "reciprocal": { ["y": try $1.get("x").reciprocal()] },
      "power": { ["y": try $1.get("x").pow($0.number("exponent"))] },
      "pow": { ["y": try $1.get("a").pow($1.get("b"))] },
      "maximum_of": { ["y": try $1.get("a").maximum($1.get("b"))] },
      "minimum_of": { ["y": try $1.get("a").minimum($1.get("b"))] },
      "clamp": {
        [
          "y": try $1.get("x").clamp(
            $0.options["low"]?.double ?? -.infinity, $0.options["high"]?.double ?? .infinity)
        ]
      },
      "einsum": {
        ["y": try .einsum($0.options["equation"]?.string ?? "", $1.get("a"), $1.get("b"))]
      },
    ]
  }

  private static var rowReductions: [String: OpRunner] {
    func reduction(
      _ reduce: @escaping (Tensor, GoldenCase, [Int], Bool) throws -> Tensor
    ) -> OpRunner {
      {
        ["y": try reduce($1.get("x"), $0, $0.integers("axes"), $0.flag("keepdim"))]
      }
    }
    return [
      "amax": reduction { x, _, axes, keeps in
        try x.maximum(axes: axes, keepsAxes: keeps)
      },
      "amin": reduction { x, _, axes, keeps in
        try x.minimum(axes: axes, keepsAxes: keeps)
      },
      "prod": reduction { x, _, axes, keeps in
        try x.product(axes: axes, keepsAxes: keeps)
      },
      "prod_zeros": reduction { x, _, axes, keeps in
        try x.product(axes: axes, keepsAxes: keeps)
      },
      "logsumexp": reduction { x, _, axes, keeps in
        try x.logSumExp(axes: axes, keepsAxes: keeps)
      },
      "norm": reduction { try $0.norm($1.number("order"), axes: $2, keepsAxes: $3) },
      "norm_infinite": reduction { x, _, axes, keeps in
        try x.norm(.infinity, axes: axes, keepsAxes: keeps)
      },
      "variance": reduction {
        try $0.variance(axes: $2, correction: $1.number("correction"), keepsAxes: $3)
      },
      "deviation": reduction {
        try $0.standardDeviation(axes: $2, correction: $1.number("correction"), keepsAxes: $3)
      },
      "argmax": {
        let x = try $1.get("x")
        return ["y": try x * 1, "index": try x.argmax(axis: $0.int("axis"))]
      },
      "argmin": {
        let x = try $1.get("x")
        return ["y": try x * 1, "index": try x.argmin(axis: $0.int("axis"))]
      },
    ]
  }
}
