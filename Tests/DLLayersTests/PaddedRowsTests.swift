import DLLayers
import DLTensor
import DLTestSupport
import Testing

/// Rows that are filled up to one length give what each of them gives by itself, without padding.
@Suite struct PaddedRowsTests {
  private static let rows: [[Int32]] = [
    [3, 1, 4, 1, 5, 2, 3], [2, 5], [6, 2, 6, 4], [1, 2, 3, 4, 5],
  ]

  private static func network(_ name: String) -> Sequential {
    let embedding = Embedding(count: 7, features: 4, paddingIndex: 0)
    let layers: [any Layer] =
      switch name {
      case "rnn": [RNN(inputSize: 4, hiddenSize: 3, returns: .last)]
      case "lstm both ways":
        [LSTM(inputSize: 4, hiddenSize: 3, bidirectional: true, returns: .last)]
      case "gru below gru":
        [GRU(inputSize: 4, hiddenSize: 3), GRU(inputSize: 3, hiddenSize: 3, returns: .last)]
      case "attention": [MultiHeadAttention(features: 4, heads: 2), GlobalAvgPool1d()]
      case "encoder":
        [
          TransformerEncoderLayer(features: 4, TransformerOptions(heads: 2, feedForward: 8)),
          GlobalMaxPool1d(),
        ]
      case "convolution":
        [
          Conv1d(inputChannels: 4, outputChannels: 5, kernelSize: 3, padding: 1), ReLU(),
          Residual(
            Sequential(Conv1d(inputChannels: 5, outputChannels: 5, kernelSize: 3, padding: 1))),
          GlobalMaxPool1d(),
        ]
      case "pools":
        [
          Conv1d(inputChannels: 4, outputChannels: 5, kernelSize: 2),
          MaxPool1d(kernelSize: 1, stride: 2),
          Linear(inputFeatures: 5, outputFeatures: 3), AvgPool1d(kernelSize: 1), GlobalAvgPool1d(),
        ]
      case "group norm":
        [
          Conv1d(inputChannels: 4, outputChannels: 6, kernelSize: 3, padding: 1),
          GroupNorm(groups: 2, channels: 6), ReLU(), GlobalAvgPool1d(),
        ]
      case "transposed convolution":
        [
          ConvTranspose1d(
            inputChannels: 4, outputChannels: 3, kernelSize: 3, stride: 2, padding: 1),
          GlobalAvgPool1d(),
        ]
      case "upsample":
        [
          Upsample(by: 2), Conv1d(inputChannels: 4, outputChannels: 3, kernelSize: 2),
          GlobalMaxPool1d(),
        ]
      case "gate":
        [
          BranchProduct([
            Sequential(Conv1d(inputChannels: 4, outputChannels: 3, kernelSize: 2)),
            Sequential(Conv1d(inputChannels: 4, outputChannels: 3, kernelSize: 2), Sigmoid()),
          ]), GlobalAvgPool1d(),
        ]
      case "instance norm":
        [InstanceNorm(features: 4, affine: true), ReLU(), GlobalAvgPool1d()]
      default: []
      }
    return Sequential([embedding] + layers)
  }

  @Test(
    arguments: [
      "rnn", "lstm both ways", "gru below gru", "attention", "encoder", "convolution", "pools",
      "group norm", "instance norm", "transposed convolution", "upsample", "gate",
    ])
  func rowsArePaddedWithoutEffect(name: String) throws {
    Engine.current.select()
    let context = Context(precision: .float64)
    let network = Self.network(name)
    let arena = try ParameterArena(network, context: context)
    let width = 9
    func sum(_ rows: [[Int32]], _ width: Int) throws -> [Double] {
      let tokens = rows.flatMap { $0 + [Int32](repeating: 0, count: width - $0.count) }
      let x = try Tensor.labels(tokens, shape: [rows.count, width], context: context)
      let y = try context.recording {
        let y = try network(x)
        // Each output counts differently, so that none can stand for another.
        let weights = (0..<y.shape[1]).map { Double($0 + 1) }
        let loss = try
          (y.square() * Tensor.values(weights, shape: [1, weights.count], context: context))
          .sum()
        return (y, loss)
      }
      try context.backward(y.1)
      return y.0.doubles
    }
    func gradients() -> [Double] {
      arena.parameters.flatMap { parameter in (try? parameter.value.gradient?.doubles) ?? [] }
    }
    arena.resetGradients()
    let padded = try sum(Self.rows, width)
    arena.completeGradients()
    let got = gradients()
    arena.resetGradients()
    let single = try Self.rows.flatMap { try sum([$0], $0.count) }
    arena.completeGradients()
    #expect(deviation(padded, single) { _ in 1 } < 1e-12)
    #expect(deviation(got, gradients()) { _ in 1 } < 1e-12)
  }

  @Test func whatRowsOfOneLengthNeedIsRefused() throws {
    let context = Context()
    let x = try Tensor.zeros([2, 4, 3], context: context)
    _ = try Upsample(by: 2, .bilinear(alignCorners: false))(x)
    x.lengths = try Tensor.labels([4, 2], context: context)
    #expect(try Upsample(by: 3)(x).lengths?.doubles == [12, 6])
    for layer in [Upsample(by: 2, .bilinear(alignCorners: false)), Upsample(to: Size2d(1, 9))] {
      let error = refusal { _ = try layer(x) }
      #expect(error.contains("rows have lengths of their own"), "\(error)")
    }
  }

  @Test func lengthsFollowTheWindows() throws {
    let context = Context()
    let x = try Tensor.zeros([3, 9, 2], context: context)
    x.lengths = try Tensor.labels([9, 4, 0], context: context)
    let chain = Sequential(
      Conv1d(inputChannels: 2, outputChannels: 1, kernelSize: 3, stride: 2),
      Linear(inputFeatures: 1, outputFeatures: 6))
    _ = try ParameterArena(chain, context: context)
    let y = try chain.layers[0](x)
    #expect(y.shape == [3, 4, 1])
    #expect(y.lengths?.doubles == [4, 1, 0])
    #expect(try chain.layers[1](y).lengths?.doubles == [4, 1, 0])
    #expect(try chain(x).lengths?.doubles == [4, 1, 0])
    #expect(try Flatten()(y).lengths == nil)
    let wrong = try Tensor.zeros([2, 3, 1], context: context)
    wrong.lengths = try Tensor.labels([4, 1], context: context)
    expect("padding_filled: length 4 of row 0 is not in 0 ... 3") { try wrong.paddingFilled() }
  }

  @Test func rowsWithoutAnyPositionAreZero() throws {
    let context = Context()
    let x = try Tensor.full([2, 3, 2], 5, context: context)
    x.lengths = try Tensor.labels([0, 2], context: context)
    #expect(try GlobalAvgPool1d()(x).doubles == [0, 0, 5, 5])
    #expect(try GlobalMaxPool1d()(x).doubles == [5, 5, 5, 5])
  }
}
