import DLLayers
import DLTensor
import Glibc
import Testing

/// Formulas that a course on deep learning teaches, against layers.
@Suite struct CourseFormulaTests {
  private func parameters(_ layer: Module) -> Int {
    layer.parameters().reduce(0) { $0 + $1.shape.count }
  }

  /// ⌊(n + 2p - d (k - 1) - 1) / s⌋ + 1, the output counted by hand: each position whose taps lie
  /// within the padded input.
  @Test func outputSizes() throws {
    for n in [7, 8, 32] {
      for k in [1, 2, 3, 5] {
        for (s, p, d) in [(1, 0, 1), (2, 0, 1), (3, 1, 1), (1, 2, 2), (2, 3, 2), (4, 2, 1)] {
          let reach = d * (k - 1) + 1
          guard n + 2 * p >= reach else { continue }
          let counted = stride(from: -p, through: n + p - reach, by: s).count { _ in true }
          #expect((n + 2 * p - d * (k - 1) - 1) / s + 1 == counted)
          let conv = Conv2d(
            inputChannels: 2, outputChannels: 3, kernelSize: Size2d(k, k), stride: Size2d(s, s),
            padding: Size2d(p, p), dilation: Size2d(d, d))
          #expect(try conv.outputShape(for: [n, n, 2]) == [counted, counted, 3])
          let line = Conv1d(
            inputChannels: 2, outputChannels: 3, kernelSize: k, stride: s,
            padding: .sides(left: p, right: p), dilation: d)
          #expect(try line.outputShape(for: [n, 2]) == [counted, 3])
        }
      }
    }
    // A transposed convolution gives back what the convolution took: (n - 1) s - 2 p + k.
    for (n, k, s, p) in [(5, 3, 2, 1), (4, 4, 2, 1), (7, 2, 3, 0)] {
      let up = ConvTranspose2d(
        inputChannels: 1, outputChannels: 1, kernelSize: Size2d(k, k), stride: Size2d(s, s),
        padding: Size2d(p, p))
      let size = (n - 1) * s - 2 * p + k
      #expect(try up.outputShape(for: [n, n, 1]) == [size, size, 1])
      let down = Conv2d(
        inputChannels: 1, outputChannels: 1, kernelSize: Size2d(k, k), stride: Size2d(s, s),
        padding: Size2d(p, p))
      #expect(try down.outputShape(for: [size, size, 1]) == [n, n, 1])
    }
  }

  @Test func parameterCounts() {
    // 3 · 256 · 256 inputs, 1000 outputs: 196,608,000 weights and a bias each.
    #expect(
      parameters(Linear(inputFeatures: 3 * 256 * 256, outputFeatures: 1000)) == 196_609_000)
    // 10 filters of 3x3 on RGB: 27 weights and a bias each.
    #expect(parameters(Conv2d(inputChannels: 3, outputChannels: 10, kernelSize: 3)) == 280)
    // Depthwise and pointwise in place of both at once: k² c + c o against k² c o (Howard et al. 2017).
    let (c, o) = (32, 64)
    let full = Conv2d(inputChannels: c, outputChannels: o, kernelSize: 3, bias: false)
    let depthwise = Conv2d(
      inputChannels: c, outputChannels: c, kernelSize: 3, groups: c, bias: false)
    let pointwise = Conv2d(inputChannels: c, outputChannels: o, kernelSize: 1, bias: false)
    #expect(parameters(full) == 9 * c * o)
    #expect(parameters(depthwise) + parameters(pointwise) == 9 * c + c * o)
    // Queries, keys, values and output: 4 d² for any number of heads of d / h features, which is
    // 4 h d² where each head has d / h of its own (Vaswani et al. 2017, 3.2.2).
    for heads in [1, 2, 8] {
      let attention = MultiHeadAttention(features: 64, heads: heads, bias: false)
      #expect(parameters(attention) == 4 * 64 * 64)
      #expect(parameters(attention) == 4 * heads * 64 * (64 / heads))
      #expect(
        parameters(MultiHeadAttention(features: 64, heads: heads)) == 4 * 64 * 64 + 4 * 64)
    }
    // Gates of recurrent layers: 1, 4 and 3 of h (i + h) weights and two biases.
    let (i, h) = (10, 20)
    for (layer, gates) in [
      (RNN(inputSize: i, hiddenSize: h) as Module, 1), (LSTM(inputSize: i, hiddenSize: h), 4),
      (GRU(inputSize: i, hiddenSize: h), 3),
    ] {
      #expect(parameters(layer) == gates * (h * (i + h) + 2 * h))
    }
  }

  /// r = 1 + Σ (k - 1) · product of the strides before; the gradient of one output reaches just these
  /// pixels.
  @Test(arguments: [
    [(3, 1, 1), (3, 1, 1)], [(3, 2, 1), (3, 2, 1), (3, 1, 1)], [(7, 2, 1), (3, 2, 1), (3, 1, 2)],
    [(5, 1, 1), (2, 2, 1), (5, 1, 1)],
  ])
  func receptiveFields(layers: [(kernel: Int, stride: Int, dilation: Int)]) throws {
    var (field, jump) = (1, 1)
    for layer in layers {
      field += layer.dilation * (layer.kernel - 1) * jump
      jump *= layer.stride
    }
    let context = Context(precision: .float64)
    let network = Sequential(
      layers.map { layer in
        let conv = Conv2d(
          inputChannels: 1, outputChannels: 1, kernelSize: Size2d(layer.kernel, layer.kernel),
          stride: Size2d(layer.stride, layer.stride),
          dilation: Size2d(layer.dilation, layer.dilation))
        conv.weight.initializer = .ones
        return conv
      })
    _ = try ParameterArena(network, context: context)
    let x = try Tensor.zeros([1, 64, 64, 1], dtype: .float64, context: context)
      .requiringGradient()
    let y = try context.recording { try network(x) }
    var one = [Double](repeating: 0, count: y.count)
    one[y.shape[2] + 1] = 1
    try context.backward(from: y, gradient: .values(one, shape: y.shape, context: context))
    let gradient = try #require(x.gradient).doubles
    let reached = gradient.indices.filter { gradient[$0] != 0 }
    let rows = Set(reached.map { $0 / 64 })
    let columns = Set(reached.map { $0 % 64 })
    for lines in [rows, columns] {
      let (first, last) = (try #require(lines.min()), try #require(lines.max()))
      #expect(last - first + 1 == field && first == jump)
    }
  }

  /// softmax(x + c) = softmax(x), to the bit where c is a power of two that rounds nothing away.
  @Test func softmaxIsInvariantToShifts() throws {
    let context = Context(precision: .float64)
    let logits = [1.5, -2, 0.25, 3, 0.5, -0.75]
    let plain = try Softmax()(Tensor.values(logits, shape: [2, 3], context: context)).doubles
    for shift in [8.0, -64, 1024] {
      let shifted = try Softmax()(
        Tensor.values(logits.map { $0 + shift }, shape: [2, 3], context: context)
      ).doubles
      #expect(shifted == plain)
    }
    #expect(abs(plain[..<3].reduce(0, +) - 1) < 1e-15)
    // Of two classes it is the sigmoid of their difference.
    let pair = try Softmax()(Tensor.values([0.3, -0.9], shape: [1, 2], context: context)).doubles
    #expect(abs(pair[0] - 1 / (1 + exp(-1.2))) < 1e-15)
  }

  /// -log softmax(x)[y], summed, is the cross entropy of logits, and the negative log-likelihood of
  /// log softmax; its gradient is softmax(x) - y.
  @Test func crossEntropyIsTheNegativeLogLikelihoodOfSoftmax() throws {
    let context = Context(precision: .float64)
    let logits = [1.5, -2, 0.25, 3, 0.5, -0.75]
    let x = try Tensor.values(logits, shape: [2, 3], context: context).requiringGradient()
    let labels = try Tensor.labels([2, 0], context: context)
    let loss = try context.recording { try CrossEntropy().sum(x, labels) }
    let probabilities = try Softmax()(x).doubles
    let byHand = -log(probabilities[2]) - log(probabilities[3])
    #expect(abs(loss.scalar - byHand) < 1e-14)
    let likelihood = try NegativeLogLikelihood().sum(LogSoftmax()(x), labels)
    #expect(abs(loss.scalar - likelihood.scalar) < 1e-14)
    try context.backward(
      from: loss, gradient: .full(loss.shape, 1, dtype: .float64, context: context))
    let gradient = try #require(x.gradient).doubles
    let oneHot = [0.0, 0, 1, 1, 0, 0]
    for (index, value) in gradient.enumerated() {
      #expect(abs(value - (probabilities[index] - oneHot[index])) < 1e-14)
    }
  }
}
