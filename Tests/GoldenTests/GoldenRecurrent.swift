import DLLayers
import DLTensor
import DLTestSupport
import Testing

/// How a case's network is built, and what is compared of it.
struct GoldenNetwork {
  let cell: RecurrentCell
  let layers: Int
  let directions: Int
  let hidden: Int
  let batchFirst: Bool
  let bias: Bool
  let nonlinearity: RNNNonlinearity

  init(_ golden: GoldenCase) throws {
    nonlinearity = golden.options["nonlinearity"]?.string == "relu" ? .relu : .tanh
    cell =
      switch golden.op {
      case "lstm": .lstm
      case "gru": .gru
      default: nonlinearity == .relu ? .relu : .tanh
      }
    layers = Int(try golden.number("layers"))
    directions = golden.flag("bidirectional") ? 2 : 1
    hidden = Int(try golden.number("hidden"))
    batchFirst = golden.flag("batch_first")
    bias = golden.flag("bias")
  }

  /// The weights by layer and direction, out of tensors under PyTorch's names.
  func weights(_ tensors: [String: Tensor]) throws -> [[RecurrentWeights]] {
    try (0..<layers).map { layer in
      try (0..<directions).map { direction in
        let suffix = "l\(layer)" + (direction == 1 ? "_reverse" : "")
        return RecurrentWeights(
          input: try tensors.get("weight_ih_\(suffix)"),
          hidden: try tensors.get("weight_hh_\(suffix)"), inputBias: tensors["bias_ih_\(suffix)"],
          hiddenBias: tensors["bias_hh_\(suffix)"])
      }
    }
  }

  /// The module.
  func module(_ input: Int, returns: RecurrentReturn = .sequence) -> Recurrent {
    switch cell {
    case .tanh, .relu:
      RNN(
        inputSize: input, hiddenSize: hidden, layers: layers, nonlinearity: nonlinearity,
        bias: bias,
        batchFirst: batchFirst, bidirectional: directions == 2, returns: returns)
    case .lstm:
      LSTM(
        inputSize: input, hiddenSize: hidden, layers: layers, bias: bias, batchFirst: batchFirst,
        bidirectional: directions == 2, returns: returns)
    case .gru:
      GRU(
        inputSize: input, hiddenSize: hidden, layers: layers, bias: bias, batchFirst: batchFirst,
        bidirectional: directions == 2, returns: returns)
    }
  }

  /// Output and final states, and the scalar of them that the gradients are of.
  static func outputs(_ result: (output: Tensor, state: RecurrentState), _ inputs: [String: Tensor])
    throws -> [String: Tensor]
  {
    let (output, state) = result
    var outputs = ["output": output, "h_n": state.hidden]
    outputs["c_n"] = state.cell
    var y =
      try (output * inputs.get("weigh_output")).sum()
      + (state.hidden * inputs.get("weigh_h_n")).sum()
    if let cell = state.cell { y = try y + (cell * inputs.get("weigh_c_n")).sum() }
    outputs["y"] = y
    return outputs
  }

  /// Where the case starts.
  static func state(_ inputs: [String: Tensor]) -> RecurrentState? {
    inputs["h_0"].map { RecurrentState(hidden: $0, cell: inputs["c_0"]) }
  }
}

extension GoldenCase {
  static var recurrent: [String: OpRunner] {
    let network: OpRunner = { golden, inputs in
      let network = try GoldenNetwork(golden)
      return try GoldenNetwork.outputs(
        inputs.get("x").recurrent(
          network.cell, weights: network.weights(inputs), state: GoldenNetwork.state(inputs),
          lengths: inputs["lengths"], batchFirst: network.batchFirst), inputs)
    }
    return [
      "rnn": network, "lstm": network, "gru": network,
      "ctc": { golden, inputs in
        let loss = CTC(
          blank: Int(try golden.number("blank")), zeroInfinity: golden.flag("zero_infinity"))
        let (x, targets) = (try inputs.get("x"), try inputs.get("targets"))
        #expect(try loss.denominator(targets) == golden.number("denominator"))
        return [
          "y": try loss.sum(
            golden.flag("log_softmax") ? x.logSoftmax() : x, targets,
            inputLengths: inputs["input_lengths"], targetLengths: inputs["target_lengths"])
        ]
      },
    ]
  }
}
