import DLCluster
import DLFormats
import DLInference
import DLLayers
import DLTensor
import DLTestSupport
import DLTraining
import Testing

/// Gradients, Hessian-vector products and eigenvalues against PyTorch's whole Hessian
/// (scripts/golden/make_analysis.py).
@Suite struct GoldenAnalysisTests {
  private static let models = [
    "smooth": """
    {layers: [{conv2d: {out: 4, kernel: 3, padding: 1, bias: false}}, batch_norm, tanh, \
    {avg_pool2d: {kernel: 2}}, flatten, {linear: {out: 6}}, layer_norm, gelu, {linear: {out: 3}}]}
    """,
    "kinked": """
    {layers: [{conv2d: {out: 3, kernel: 3, padding: 1}}, relu, {max_pool2d: {kernel: 2}}, flatten, \
    {linear: {out: 5}}, sigmoid, {linear: {out: 3}}]}
    """,
  ]

  /// What one rank found.
  private struct Found: Sendable {
    var loss = 0.0
    var gradient: [Double] = []
    var product: [Double] = []
    var largest: [Double] = []
    var smallest: [Double] = []
    var residuals: [Double] = []
  }

  private func analyze(_ name: String, ranks: Int, differences: Bool = false) throws -> [Found] {
    let golden = try GoldenRun("analysis-\(name)", model: try #require(Self.models[name]))
    return try ThreadGroup.run(ranks: ranks) { communicator in
      let surface = try LossSurface(
        LoadedRun(golden.path), data: nil, rows: nil, communicator: communicator)
      try golden.load(into: surface.network.arena)
      let hessian = try HessianProduct(surface, differences: differences)
      let isExact = hessian.method == .differentiation
      #expect(isExact != differences)
      var found = Found()
      let gradient = try surface.gradient()
      found.loss = gradient.loss
      found.gradient = try ordered(gradient.vector, surface.network.arena)
      let v = try surface.weights
      try fill(v, golden.file, surface.network.arena)
      found.product = try ordered(hessian(v), surface.network.arena)
      let lanczos = try Lanczos(
        { try hessian($0) }, start: surface.randomVector("start"),
        dimensions: surface.dimensions, steps: 400, wanted: 3)
      found.largest = lanczos.largest.map(\.value)
      found.smallest = lanczos.smallest.map(\.value)
      found.residuals = (lanczos.largest + lanczos.smallest).map(\.residual)
      return found
    }
  }

  /// A vector's numbers in the order of the file's names and layouts.
  private func ordered(_ vector: Tensor, _ arena: ParameterArena) throws -> [Double] {
    try zipped(arena.parameters, arena.offsets).sorted { $0.0.name < $1.0.name }
      .flatMap { parameter, offset in
        let part = Tensor(
          borrowing: vector.pointer + offset * 8, shape: parameter.shape, dtype: .float64,
          owner: vector, context: vector.context)
        return try parameter.layout.inFile(part).doubles
      }
  }

  private func fill(_ vector: Tensor, _ file: SafetensorsFile, _ arena: ParameterArena) throws {
    for (parameter, offset) in zipped(arena.parameters, arena.offsets) {
      let values = try file.doubles("v/\(parameter.name)")
      let inFile = try Tensor.values(
        values, shape: parameter.fileShape, context: vector.context)
      let part = try parameter.layout.inMemory(inFile)
      (vector.pointer + offset * 8).copyMemory(from: part.pointer, byteCount: part.byteCount)
    }
  }

  private func wanted(_ label: String, _ file: SafetensorsFile) throws -> [Double] {
    try file.tensors.map(\.name).filter { $0.hasPrefix("\(label)/") }.sorted()
      .flatMap { try file.doubles($0) }
  }

  @Test(arguments: ["smooth", "kinked"])
  func gradientAndHessianArePyTorchs(name: String) throws {
    let file = try Golden.file("analysis-\(name)")
    let found = try #require(try analyze(name, ranks: 1).first)
    let (loss, gradient) = (try file.doubles("loss"), try wanted("gradient", file))
    #expect(deviation([found.loss], loss) < 1e-12)
    #expect(deviation(found.gradient, gradient) < 1e-12)
    let product = try wanted("hv", file)
    #expect(deviation(found.product, product) < 1e-10)
    let all = try file.doubles("eigenvalues")
    #expect(deviation(found.smallest, Array(all.prefix(3))) { _ in 1 } < 1e-9)
    #expect(deviation(found.largest, Array(all.suffix(3).reversed())) { _ in 1 } < 1e-9)
    #expect(found.residuals.allSatisfy { $0 < 1e-8 })
  }

  @Test func differencesComeNearTheHessian() throws {
    let file = try Golden.file("analysis-smooth")
    let found = try #require(try analyze("smooth", ranks: 1, differences: true).first)
    let product = try wanted("hv", file)
    #expect(deviation(found.product, product) < 1e-6)
    let all = try file.doubles("eigenvalues")
    #expect(deviation([found.smallest[0], found.largest[0]], [all[0], all[all.count - 1]]) < 1e-6)
  }

  /// Batches go to ranks as wholes, so that not a bit depends on how many there are.
  @Test(arguments: [2, 3])
  func ranksFindTheSameBits(ranks: Int) throws {
    let one = try #require(try analyze("smooth", ranks: 1).first)
    for found in try analyze("smooth", ranks: ranks) {
      #expect(found.loss == one.loss && found.gradient == one.gradient)
      #expect(found.product == one.product)
      #expect(found.largest == one.largest && found.smallest == one.smallest)
    }
  }
}
