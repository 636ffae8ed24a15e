import DLLayers
import DLTensor
import DLTestSupport
import Testing

/// Dropouts against PyTorch under masks that numpy worked out from the same keys
/// (scripts/golden/make_dropout.py).
@Suite struct GoldenDropoutTests {
  @Test(arguments: [DType.float64, .float32])
  func parts(dtype: DType) throws {
    let cases = try Golden.cases("dropout").filter { !$0.isRecurrent }
    #expect(cases.count >= 40)
    for golden in cases {
      let p = try golden.number("p")
      let layer: any Layer
      switch golden.op {
      case "dropout": layer = Dropout(p: p)
      case "channel_dropout": layer = ChannelDropout(p: p)
      case "drop_path": layer = DropPath(p: p)
      default: throw MissingGolden("\(golden): op \(golden.op) has no layer")
      }
      let network = Sequential(ReLU(), Sequential(layer))
      let context = try golden.context(dtype)
      let arena = try ParameterArena(network, context: context)
      defer { withExtendedLifetime(arena) {} }
      #expect(layer.path == golden.options["path"]?.string)
      let x = try golden.input("x", context).requiringGradient()
      for _ in 0..<golden.count("call") { _ = try layer(x) }
      let y = try context.recording { try layer(x.reshape(x.shape)) }
      let keep = try golden.values("in/keep")
      #expect(y.doubles.map { $0 == 0 ? 0 : 1 } == keep, "\(golden): mask")
      let tolerance = Tolerance(dtype)
      tolerance.check(y.doubles, try golden.values("f64/out/y"), "\(golden): y")
      try context.backward(from: y, gradient: golden.input("grad_output", context))
      tolerance.check(
        try #require(x.gradient).doubles, try golden.values("f64/grad/x"), "\(golden): gradient")
    }
  }

  @Test(arguments: [DType.float64, .float32])
  func betweenRecurrentLayers(dtype: DType) throws {
    let cases = try Golden.cases("dropout").filter(\.isRecurrent)
    #expect(cases.count >= 4)
    for golden in cases {
      let context = try golden.context(dtype)
      let x = try golden.input("x", context).requiringGradient()
      let (size, hidden) = (x.shape.last, golden.count("hidden"))
      let (layers, both) = (golden.count("layers"), golden.flag("bidirectional"))
      let p = try golden.number("p")
      let network: Recurrent =
        switch golden.op {
        case "lstm_dropout":
          LSTM(inputSize: size, hiddenSize: hidden, layers: layers, dropout: p, bidirectional: both)
        case "gru_dropout":
          GRU(inputSize: size, hiddenSize: hidden, layers: layers, dropout: p, bidirectional: both)
        default:
          RNN(inputSize: size, hiddenSize: hidden, layers: layers, dropout: p, bidirectional: both)
        }
      let arena = try ParameterArena(Sequential(network), context: context)
      for parameter in arena.parameters {
        try parameter.value.assign(golden.values("in/\(parameter.name.dropFirst(2))"))
      }
      let tolerance = Tolerance(dtype)
      let y = try context.recording { try network(x) }
      tolerance.check(y.doubles, try golden.values("f64/out/y"), "\(golden): y")
      try context.backward(from: y, gradient: golden.input("grad_output", context))
      #expect(golden.names("f64/grad").count == arena.parameters.count + 1)
      for (name, tensor) in try [("x", x)]
        + arena.parameters.map({ (String($0.name.dropFirst(2)), try $0.value) })
      {
        tolerance.check(
          try #require(tensor.gradient).doubles, try golden.values("f64/grad/\(name)"),
          "\(golden): gradient of \(name)")
      }
    }
  }
}

extension GoldenCase {
  fileprivate var isRecurrent: Bool { op.hasSuffix("_dropout") && op != "channel_dropout" }

  /// A context at the step, and about the rows, that a case of dropout is of.
  fileprivate func context(_ dtype: DType) throws -> Context {
    Engine.current.select()
    let seed = options["seed"]?.string.flatMap { UInt64($0) }
    let context = Context(precision: dtype, seed: try #require(seed))
    context.isTraining = options["training"] != .bool(false)
    context.step = count("step")
    context.beginForward(rowOffset: count("first_row"))
    return context
  }
}
