import DLLayers
import DLTensor
import DLTestSupport
import Testing

/// The recurrent modules against PyTorch, with initial states and lengths, in both precisions.
@Suite struct GoldenRecurrentLayerTests {
  @Test(arguments: [DType.float64, .float32])
  func modules(dtype: DType) throws {
    Engine.current.select()
    let tolerance = Tolerance(dtype)
    for golden in try Golden.cases("recurrent") {
      let context = Context(precision: dtype)
      var inputs: [String: Tensor] = [:]
      let names = golden.names("in")
      for name in names where !isParameter(name) {
        inputs[name] = try golden.input(name, context).requiringGradient()
      }
      let x = try inputs.get("x")
      let module = try GoldenNetwork(golden).module(x.shape[2])
      let arena = try ParameterArena(module, context: context)
      #expect(Set(arena.parameters.map(\.name)) == Set(names.filter(isParameter)), "\(golden)")
      for parameter in arena.parameters {
        try parameter.value.assign(golden.values("in/\(parameter.name)"))
      }
      let outputs = try context.recording {
        try GoldenNetwork.outputs(
          module(x, state: GoldenNetwork.state(inputs), lengths: inputs["lengths"]), inputs)
      }
      for name in golden.names("f64/out") {
        tolerance.check(
          try outputs.get(name).doubles, try golden.values("f64/out/\(name)"), "\(golden): \(name)")
      }
      let y = try outputs.get("y")
      try context.backward(y, seed: golden.values("in/grad_output")[0])
      for name in golden.names("f64/grad") {
        let parameter = try arena.parameters.first { $0.name == name }?.value
        let gradient = try #require((parameter ?? inputs[name])?.gradient, "\(golden): \(name)")
        tolerance.check(
          gradient.doubles, try golden.values("f64/grad/\(name)"), "\(golden): \(name)")
      }
    }
  }

  /// What a chain gets: PyTorch's final hidden states of the last layer, side by side.
  @Test func lastState() throws {
    for golden in try Golden.cases("recurrent") {
      guard !golden.flag("state"), !golden.flag("lengths") else { continue }
      let network = try GoldenNetwork(golden)
      let context = Context(precision: .float64)
      let x = try golden.input("x", context)
      let module = network.module(x.shape[2], returns: .last)
      let arena = try ParameterArena(module, context: context)
      for parameter in arena.parameters {
        try parameter.value.assign(golden.values("in/\(parameter.name)"))
      }
      let (h, batch) = (try golden.values("f64/out/h_n"), x.shape[0])
      let (hidden, directions) = (network.hidden, network.directions)
      let first = (network.layers - 1) * directions
      var want: [Double] = []
      for row in 0..<batch {
        for plane in first..<first + directions {
          let start = (plane * batch + row) * hidden
          want += h[start..<start + hidden]
        }
      }
      let y = try module(x)
      #expect(y.shape == [batch, directions * hidden])
      #expect(try module.outputShape(for: x.shape.dropFirst()) == [directions * hidden])
      Tolerance(.float64).check(y.doubles, want, "\(golden): last")
    }
  }

  private func isParameter(_ name: String) -> Bool {
    name.hasPrefix("weight_") || name.hasPrefix("bias_")
  }
}
