import DLCore
import DLTensor
import DLTestSupport
import Testing

extension GoldenCase {
  /// The ops that move, pick and order elements (scripts/golden/make_structure.py).
  static var structure: [String: OpRunner] {
    joins.merging(pieces) { first, _ in first }.merging(picks) { first, _ in first }
      .merging(masks) { first, _ in first }.merging(orders) { first, _ in first }
  }

  private static var joins: [String: OpRunner] {
    [
      "concat": { ["y": try .concat($1.numbered(), axis: $0.int("axis"))] },
      "concat_twice": {
        let x = try $1.get("x")
        return ["y": try .concat([x, x, x], axis: $0.int("axis"))]
      },
      "stack": { ["y": try .stack($1.numbered(), axis: $0.int("axis"))] },
      "broadcast": { ["y": try $1.get("x").broadcast(to: Shape($0.integers("shape")))] },
    ]
  }

  private static var pieces: [String: OpRunner] {
    func weighted(_ parts: [Tensor]) throws -> [String: Tensor] {
      var result: [String: Tensor] = [:]
      var sum = try parts[0].sum()
      for (index, part) in parts.enumerated() {
        result["part_\(index)"] = part
        if index > 0 { sum = try sum + part.sum() * Double(index + 1) }
      }
      result["y"] = sum
      return result
    }
    return [
      "narrow": {
        [
          "y": try $1.get("x").narrow(
            $0.int("axis"), start: $0.int("start"), length: $0.int("length"))
        ]
      },
      "slice": {
        [
          "y": try $1.get("x").slice(
            $0.int("axis"), from: $0.int("start"), to: $0.int("end"), step: $0.int("step"))
        ]
      },
      "select": { ["y": try $1.get("x").select($0.int("axis"), $0.int("position"))] },
      "split": { try weighted($1.get("x").split($0.integers("lengths"), axis: $0.int("axis"))) },
      "chunk": { try weighted($1.get("x").chunk($0.int("count"), axis: $0.int("axis"))) },
    ]
  }

  private static var picks: [String: OpRunner] {
    [
      "index_select": { ["y": try $1.get("x").indexSelect($0.int("axis"), $1.get("index"))] },
      "index_add": {
        ["y": try $1.get("x").indexAdd($0.int("axis"), $1.get("index"), $1.get("source"))]
      },
      "gather": { ["y": try $1.get("x").gather($0.int("axis"), $1.get("index"))] },
      "scatter_add": {
        ["y": try $1.get("x").scatterAdd($0.int("axis"), $1.get("index"), $1.get("source"))]
      },
    ]
  }

  private static var masks: [String: OpRunner] {
    func comparison(_ compare: @escaping (Tensor, Tensor) throws -> Tensor) -> OpRunner {
      {
        [
          "y": try $1.get("x") * 1,
          "mask": try compare($1.get("a"), $1.get("b")),
        ]
      }
    }
    return [
      "where": { ["y": try $1.get("a").where($1.get("mask"), else: $1.get("b"))] },
      "masked_fill": { ["y": try $1.get("x").maskedFill($1.get("mask"), $0.number("value"))] },
      "less": comparison(.<), "less_equal": comparison(.<=), "greater": comparison(.>),
      "greater_equal": comparison(.>=), "equal": comparison(.==), "not_equal": comparison(.!=),
    ]
  }

  private static var orders: [String: OpRunner] {
    func outputs(_ ranked: Ranked) -> [String: Tensor] {
      ["y": ranked.values, "indices": ranked.indices]
    }
    return [
      "cumsum": { ["y": try $1.get("x").cumulativeSum(axis: $0.int("axis"))] },
      "sort": {
        outputs(try $1.get("x").sort(axis: $0.int("axis"), descending: $0.flag("descending")))
      },
      "topk": {
        outputs(
          try $1.get("x").topK($0.int("k"), axis: $0.int("axis"), largest: $0.flag("largest")))
      },
      "maximum": {
        outputs(try $1.get("x").maximum(axis: $0.int("axis"), keepsAxis: $0.flag("keepdim")))
      },
      "minimum": {
        outputs(try $1.get("x").minimum(axis: $0.int("axis"), keepsAxis: $0.flag("keepdim")))
      },
    ]
  }

  func int(_ key: String) throws -> Int { Int(try number(key)) }
}

extension [String: Tensor] {
  /// `x_0`, `x_1`, and so on.
  func numbered() throws -> [Tensor] {
    try (0..<filter { $0.key.hasPrefix("x_") }.count).map { try get("x_\($0)") }
  }
}
