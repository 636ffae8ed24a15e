import DLCore
import DLFormats
import DLLayers
import DLModels
import DLTensor
import DLTestSupport
import DLTraining
import Testing

/// Networks of torchvision and Hugging Face, under their names and with weights that are a function of
/// names and shapes (scripts/golden/make_zoo.py).
@Suite struct GoldenZooTests {
  /// Every tensor of every network, parameters in the same order.
  @Test func namesAndShapesAreTheirs() throws {
    let networks = try NamedNetwork.all()
    #expect(networks.count >= 22)
    for want in networks {
      let network = try network(want.model, want.shape, want.classes)
      let got = network.stateShapes()
      #expect(got.count == want.tensors.count, "\(want.name)")
      let shapes = Dictionary(uniqueKeysWithValues: got.map { ($0.name, $0.shape) })
      for (name, shape) in want.tensors {
        #expect(shapes[name] == shape, "\(want.name): \(name)")
      }
      let parameters = network.parameters().count
      let names = got.prefix(parameters).map(\.name)
      let set = Set(names)
      #expect(names == want.tensors.map(\.name).filter(set.contains), "\(want.name)")
    }
  }

  @Test(arguments: [DType.float64, .float32])
  func logitsAreTheirs(dtype: DType) throws {
    Engine.current.select()
    let cases = try Golden.cases("zoo")
    #expect(cases.count >= 14)
    let relative = dtype == .float64 ? 1e-9 : 1e-5
    for golden in cases {
      let context = Context(precision: dtype)
      let (network, arena) = try drawn(golden, context)
      let x = try input(golden, context)
      let y = try context.recording { try network(x) }
      try expect(y.doubles, golden.values("f64/out/y"), relative, "\(golden): logits")
      #expect(try network.outputShape(for: x.shape.dropFirst()) == y.shape.dropFirst(), "\(golden)")
      guard golden.names("f64/out").contains("gradients") else { continue }
      try context.backward(from: y, gradient: y)
      arena.completeGradients()
      let lengths = try arena.parameters.map { parameter in
        let gradient = try #require(parameter.value.gradient).doubles
        return gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
      }
      try expect(
        lengths, golden.values("f64/out/gradients"), 10 * relative, "\(golden): gradients")
    }
  }

  /// Files hold what the names of Hugging Face's modules stand for, and are read again.
  @Test func transposedWeightsAreSavedAsTheyAreNamed() throws {
    let cases = try Golden.cases("zoo").filter { ["gpt2", "bert-masked"].contains($0.name) }
    #expect(cases.count == 2)
    for golden in cases {
      let context = Context(precision: .float64)
      let (network, arena) = try drawn(golden, context)
      let folder = TemporaryFolder()
      let path = folder.path + "/weights.safetensors"
      try StateDict(arena).write(to: path)
      let file = try SafetensorsFile(path: path)
      #expect(Set(file.tensors.map(\.name)) == Set(network.stateShapes().map(\.name)))
      for parameter in arena.parameters {
        let want = try DrawnWeights.tensor(parameter.name, parameter.fileShape, context)
        #expect(try file.info(parameter.name).shape == parameter.fileShape.dimensions)
        #expect(try file.doubles(parameter.name) == want.doubles, "\(golden): \(parameter.name)")
      }
      let before = try network(input(golden, context)).doubles
      arena.initialize(seed: 9)
      try StateDict(arena).loadWeights(from: file)
      #expect(try network(input(golden, context)).doubles == before, "\(golden)")
    }
  }

  /// Equal within `relative` of the largest number.
  private func expect(
    _ got: [Double], _ want: [Double], _ relative: Double, _ what: String
  ) {
    let unit = want.reduce(0) { max($0, abs($1)) }
    let deviation = deviation(got, want) { _ in unit }
    #expect(deviation <= relative, "\(what): \(deviation)")
  }

  private func network(_ model: String, _ shape: Shape, _ classes: Int) throws -> any Layer {
    let job = try Configuration.load(
      yaml: "data: {synthetic: {shape: [4], classes: 2, rows: 16}}\nmodel: \(model)\n")
    let spec = try #require(job.model.options)
    return try #require(try spec.network(for: shape, classes: classes) as? any Layer)
  }

  /// A case's network with its weights.
  private func drawn(_ golden: GoldenCase, _ context: Context) throws -> (
    any Layer, ParameterArena
  ) {
    let network = try network(
      golden.options.get("model").text(), Shape(golden.integers("shape")),
      golden.options.get("classes").integer())
    for parameter in network.parameters() { parameter.initializer = .zeros }
    let arena = try ParameterArena(network, context: context)
    for parameter in arena.parameters {
      let file = try DrawnWeights.tensor(parameter.name, parameter.fileShape, context)
      let value = try parameter.layout.inMemory(file)
      try parameter.value.pointer.copyMemory(from: value.pointer, byteCount: value.byteCount)
    }
    for buffer in arena.buffers where buffer.dtype == nil {
      let value = try DrawnWeights.tensor(buffer.name, buffer.shape, context)
      try buffer.value.pointer.copyMemory(from: value.pointer, byteCount: value.byteCount)
    }
    return (network, arena)
  }

  /// Two images or texts; of the padded case the second ends early.
  private func input(_ golden: GoldenCase, _ context: Context) throws -> Tensor {
    let shape = Shape(try [2] + golden.integers("shape"))
    guard shape.rank == 2 else {
      return try Tensor.values(
        DrawnWeights.numbers("x", shape.count), shape: shape, context: context)
    }
    var tokens = DrawnWeights.numbers("x", shape.count, rounded: false).map {
      Int32((($0 + 1) / 2 * 40).rounded(.down))
    }
    if try golden.options.get("model").text().contains("padding_idx") {
      tokens = tokens.enumerated().map { $0.offset < 20 ? max($0.element, 1) : 0 }
    }
    return try Tensor.labels(tokens, shape: shape, context: context)
  }
}

/// The names and shapes of a network, as `zoo-names.txt` has them.
private struct NamedNetwork {
  let name: String
  let model: String
  let shape: Shape
  let classes: Int
  var tensors: [(name: String, shape: Shape)] = []

  static func all() throws -> [NamedNetwork] {
    let bytes = try File.contents(of: Golden.folder + "/zoo-names.txt")
    var result: [NamedNetwork] = []
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      if line.hasPrefix("# ") {
        let cells = line.dropFirst(2).split(separator: "|").map { $0.split(separator: " ") }
        result.append(
          NamedNetwork(
            name: cells[0].joined(), model: cells[1].joined(separator: " "),
            shape: extents(cells[2][0]), classes: try #require(Int(cells[3][0]))))
        continue
      }
      let words = line.split(separator: " ")
      let path = words[0] == "." ? "" : words[0] + "."
      for word in words.dropFirst() {
        let parts = word.split(separator: "=", omittingEmptySubsequences: false)
        let leaves =
          parts[0] == "batch_norm"
          ? ["weight", "bias", "running_mean", "running_var"] : [String(parts[0])]
        var tensors = leaves.map { (path + $0, extents(parts[1])) }
        if leaves.count > 1 { tensors.append((path + "num_batches_tracked", [])) }
        result[result.count - 1].tensors += tensors
      }
    }
    return result
  }

  private static func extents(_ text: Substring) -> Shape {
    Shape(text.split(separator: ",").compactMap { Int($0) })
  }
}

/// The tensors that make_zoo.py draws: runs of one pool of numbers, stretched as suits a tensor.
private enum DrawnWeights {
  private static let key = RandomKey(1).child("zoo")

  private static let pool: [Double] = {
    var stream = RandomStream(key)
    return (0..<65521).map { _ in stream.uniform() * 2 - 1 }
  }()

  /// Numbers in -1 ..< 1 from a place in the pool that the name tells.
  static func numbers(_ name: String, _ count: Int, rounded: Bool = true) -> [Double] {
    let start = Int(key.child(name).value % UInt64(pool.count))
    return (0..<count).map {
      let value = pool[(start + $0) % pool.count]
      return rounded ? Double(Float(value)) : value
    }
  }

  /// A tensor as a file has it.
  static func tensor(_ name: String, _ shape: Shape, _ context: Context) throws -> Tensor {
    let result = try Tensor.empty(shape, context: context)
    let run = numbers(name, min(shape.count, pool.count), rounded: false)
    let isScale = name.hasSuffix("weight") || name.hasSuffix("running_var")
    let bound = shape.rank > 1 ? (6 / (Double(shape.count) / Double(shape[0]))).squareRoot() : 0
    let values = run.map { value -> Float in
      if shape.rank > 1 { return Float(value * bound) }
      return Float(isScale ? 1 + value / 2 : value / 4)
    }
    let part = try Tensor.values(values.map(Double.init), shape: [run.count], context: context)
    for start in stride(from: 0, to: shape.count, by: run.count) {
      let count = min(run.count, shape.count - start)
      (result.pointer + start * result.dtype.byteCount).copyMemory(
        from: part.pointer, byteCount: count * result.dtype.byteCount)
    }
    return result
  }
}
