import DLLayers
import DLTensor
import DLTestSupport
import Testing

/// A module with a case's parameters, to be compared with PyTorch.
struct LayerCheck {
  let context: Context
  private let golden: GoldenCase
  private let layer: any Layer
  private let parameters: [String: Parameter]
  private let arena: ParameterArena

  /// Makes the module's memory and loads `parameters`, named as the case's inputs.
  init(
    _ golden: GoldenCase, _ dtype: DType, _ layer: any Layer, _ parameters: [String: Parameter?]
  ) throws {
    Engine.current.select()
    context = Context(precision: dtype)
    self.golden = golden
    self.layer = layer
    self.parameters = parameters.compactMapValues { $0 }
    arena = try ParameterArena(layer, context: context)
    for (name, parameter) in self.parameters {
      #expect(try parameter.fileShape == golden.shape("in/\(name)"), "\(golden): \(name)")
      let values = try inMemory(golden.values("in/\(name)"), parameter)
      try parameter.value.assign(values)
      // What loads and saves state_dicts moves the same elements, there and back.
      let file = try golden.input(name, context)
      let memory = try parameter.layout.inMemory(file)
      #expect(memory.shape == parameter.shape && memory.doubles == values, "\(golden): \(name)")
      #expect(try parameter.layout.inFile(memory).doubles == file.doubles, "\(golden): \(name)")
    }
  }

  /// Compares the output and all gradients.
  func run() throws {
    let tolerance = Tolerance(context.precision)
    let x = try golden.input("x", context).requiringGradient()
    arena.resetGradients()
    let y = try context.recording { try layer(x) }
    tolerance.check(y.doubles, try golden.values("f64/out/y"), "\(golden): y")
    #expect(try layer.outputShape(for: x.shape.dropFirst()) == y.shape.dropFirst(), "\(golden)")
    try context.backward(from: y, gradient: golden.input("grad_output", context))
    arena.completeGradients()
    let input = try #require(x.gradient)
    tolerance.check(input.doubles, try golden.values("f64/grad/x"), "\(golden): gradient of x")
    let names = golden.names("f64/grad").filter { $0 != "x" }
    #expect(Set(names) == Set(parameters.keys), "\(golden)")
    for (name, parameter) in parameters {
      let want = inMemory(try golden.values("f64/grad/\(name)"), parameter)
      tolerance.check(
        try #require(parameter.value.gradient).doubles, want, "\(golden): gradient of \(name)")
    }
  }

  /// A file's values in the order of memory.
  private func inMemory(_ values: [Double], _ parameter: Parameter) -> [Double] {
    guard case .convolution = parameter.layout else { return values }
    // A window over sequences has one row.
    let height = parameter.shape.rank == 3 ? 1 : parameter.shape[0]
    let (width, input, output) = (parameter.shape[-3], parameter.shape[-2], parameter.shape[-1])
    var result = [Double](repeating: 0, count: values.count)
    for (index, value) in values.enumerated() {
      let (w, h) = (index % width, index / width % height)
      let (i, o) = (index / (width * height) % input, index / (width * height * input))
      result[((h * width + w) * input + i) * output + o] = value
    }
    return result
  }
}
