import DLLayers
import DLModels
import DLTensor
import DLTestSupport
import Testing

/// Sparse products and graph layers against PyTorch's dense arithmetic
/// (scripts/golden/make_graph.py).
@Suite struct GoldenGraphTests {
  @Test(arguments: [DType.float64, .float32])
  func sparseProducts(dtype: DType) throws {
    for golden in try Golden.cases("graph") {
      guard let run = GoldenCase.sparse[golden.op] else { continue }
      try check(golden, dtype, run: run)
    }
  }

  @Test(arguments: [DType.float64, .float32])
  func layers(dtype: DType) throws {
    for golden in try Golden.cases("graph") {
      switch golden.op {
      case "graph_convolution":
        let weight = try golden.shape("in/weight")
        let layer = GraphConvolution(
          inputFeatures: weight[0], outputFeatures: weight[1], bias: golden.flag("bias"))
        let adapter = OnGraph(golden, layer, [weight[1]]) {
          try layer(.normalizedAdjacency(nodes: $0, edges: $1, context: $2.context), $2)
        }
        try LayerCheck(golden, dtype, adapter, ["weight": layer.weight, "bias": layer.bias]).run()
        let sparse = OnGraph(golden, layer, [weight[1]]) {
          try layer(
            .normalizedAdjacency(nodes: $0, edges: $1, context: $2.context), sparseCopy(of: $2))
        }
        try sparse.checkValue(golden, dtype, ["weight": layer.weight, "bias": layer.bias])
      case "graph_attention":
        try checkAttention(golden, dtype)
      case "gcn":
        let (first, second) = (
          try golden.shape("in/gc1_weight"), try golden.shape("in/gc2_weight")
        )
        let network = GCN(features: first[0], hidden: first[1], classes: second[1])
        let adapter = OnGraph(golden, network, [second[1]]) {
          try network(.normalizedAdjacency(nodes: $0, edges: $1, context: $2.context), $2)
        }
        let parameters = [
          "gc1_weight": network.gc1.weight, "gc1_bias": network.gc1.bias,
          "gc2_weight": network.gc2.weight, "gc2_bias": network.gc2.bias,
        ]
        try LayerCheck(golden, dtype, adapter, parameters).run()
      default: continue
      }
    }
  }

  private func checkAttention(_ golden: GoldenCase, _ dtype: DType) throws {
    let (heads, averaged) = (try golden.int("heads"), golden.flag("averaged"))
    let weight = try golden.shape("in/lin_weight")
    let layer = GraphAttention(
      inputFeatures: weight[1], outputFeatures: weight[0] / heads, heads: heads,
      combination: averaged ? .averaged : .concatenated,
      bias: golden.flag("bias"))
    let width = averaged ? weight[0] / heads : weight[0]
    let adapter = OnGraph(golden, layer, [width]) {
      let adjacency = try SparseMatrix.adjacency(
        nodes: $0, edges: $1, selfLoops: true, context: $2.context)
      return try layer(adjacency, $2)
    }
    let parameters = [
      "lin_weight": layer.lin.weight, "att_src": layer.attSrc, "att_dst": layer.attDst,
      "bias": layer.bias,
    ]
    try LayerCheck(golden, dtype, adapter, parameters).run()
    #expect(layer.attSrc.name == "inner.att_src" && layer.lin.weight.name == "inner.lin.weight")
  }
}

/// A graph layer with the graph of a case, as a layer of its features alone.
private final class OnGraph: Module, Layer {
  let inner: Module
  private let edges: [GraphEdge]
  private let output: Shape
  private let apply: (Int, [GraphEdge], Tensor) throws -> Tensor

  init(
    _ golden: GoldenCase, _ inner: Module, _ output: Shape,
    _ apply: @escaping (Int, [GraphEdge], Tensor) throws -> Tensor
  ) {
    self.inner = inner
    self.output = output
    self.apply = apply
    edges = (try? golden.edges()) ?? []
  }

  func forward(_ x: Tensor) throws -> Tensor { try apply(x.shape[0], edges, x) }
  func outputShape(for input: Shape) throws -> Shape { output }

  /// Compares the output alone.
  func checkValue(_ golden: GoldenCase, _ dtype: DType, _ parameters: [String: Parameter?]) throws {
    let check = try LayerCheck(golden, dtype, self, parameters)
    let y = try self(golden.input("x", check.context))
    Tolerance(dtype).check(y.doubles, try golden.values("f64/out/y"), "\(golden): sparse x")
  }
}

/// A dense matrix as a sparse one.
private func sparseCopy(of x: Tensor) throws -> SparseMatrix {
  let width = x.shape[1]
  return try SparseMatrix(
    rows: x.shape[0], columns: width,
    entries: x.doubles.enumerated().map { ($0.offset / width, $0.offset % width, $0.element) },
    context: x.context)
}

extension GoldenCase {
  /// Products with sparse matrices (scripts/golden/make_graph.py).
  static var sparse: [String: OpRunner] {
    func matrix(_ golden: GoldenCase, _ inputs: [String: Tensor]) throws -> SparseMatrix {
      let values = try inputs.get("values")
      let places = zipped(try inputs.get("row").doubles, try inputs.get("column").doubles)
      return try SparseMatrix(
        rows: golden.int("rows"), columns: golden.int("columns"),
        entries: places.map { (Int($0), Int($1), 1) }, context: values.context
      ).with(values: values)
    }
    return [
      "sparse_matmul": { ["y": try matrix($0, $1).matmul($1.get("x"))] },
      "sparse_softmax": { ["y": try matrix($0, $1).rowSoftmax().values] },
      "normalized_adjacency": { golden, inputs in
        let x = try inputs.get("x")
        let adjacency = try SparseMatrix.normalizedAdjacency(
          nodes: x.shape[0], edges: golden.edges(), context: x.context)
        return ["y": try adjacency.matmul(x)]
      },
    ]
  }

  func edges() throws -> [GraphEdge] {
    let ends = try values("in/edges").map { Int($0) }
    return stride(from: 0, to: ends.count, by: 2).map { (ends[$0], ends[$0 + 1]) }
  }
}
