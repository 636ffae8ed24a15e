import DLLayers
import DLModels
import DLTensor
import DLTestSupport
import Testing

/// The number of parameters of every model, published or by the formulas of its layers in PyTorch.
@Suite struct ParameterCountTests {
  private func count(_ model: Module) -> Int {
    model.parameters().reduce(0) { $0 + $1.shape.count }
  }

  private func count(_ spec: any ModelSpec, _ input: Shape, _ classes: Int) throws -> Int {
    count(try spec.network(for: input, classes: classes))
  }

  // LeCun et al. 1998: 61,706 with biases; and 2 for each of 22 normalized channels.
  @Test func leNet5() throws {
    #expect(try count(LeNet5(), [28, 28, 1], 10) == 61_706 + 44)
  }

  @Test func digits() throws {
    let convolutions = 9 * 16 + 9 * 16 * 32
    #expect(try count(DigitsCNN(), [8, 8, 1], 10) == convolutions + 96 + 512 * 10 + 10)
  }

  // He et al. 2016, table 6: 0.27, 0.46, 0.66, 0.85 and 1.7 million; to the digit as in the PyTorch
  // code of Idelbayev.
  @Test(arguments: [
    (20, 269_722), (32, 464_154), (44, 658_586), (56, 853_018), (110, 1_727_962),
  ])
  func resNet(depth: Int, parameters: Int) throws {
    var spec = SmallImageResNet()
    spec.depth = depth
    #expect(try count(spec, [32, 32, 3], 10) == parameters)
  }

  // torch.nn.Linear: outputs times inputs and one for each output; 2 for a normalized feature.
  @Test func perceptrons() throws {
    var spec = MLPOptions()
    (spec.hidden, spec.depth) = (64, 2)
    #expect(try count(spec, [8, 8, 1], 10) == 64 * 65 + 64 * 65 + 10 * 65)
    spec.normalization = .batch
    #expect(try count(spec, [8, 8, 1], 10) == 64 * 65 + 64 * 65 + 10 * 65 + 4 * 64)
    spec.depth = 0
    #expect(try count(spec, [3], 4) == 16)
    #expect(try count(GaussianOptions(), [8, 8, 1], 10) == 650)
  }

  // Radford et al. 2019: a block of width w has 12 w^2 + 13 w, the output is tied to the tokens.
  @Test func gpt() throws {
    var spec = GPTOptions()
    (spec.layers, spec.width, spec.heads) = (3, 24, 4)
    let (block, tokens, positions) = (12 * 24 * 24 + 13 * 24, 65 * 24, 16 * 24)
    #expect(try count(spec, [16], 65) == tokens + positions + 3 * block + 48)
  }

  // torch.nn.LSTM: 4 gates, each of a matrix for the input, one for the state, and two biases.
  @Test func lstm() throws {
    var spec = LSTMLanguageModelOptions()
    (spec.layers, spec.hidden, spec.embedding) = (2, 10, 6)
    let lstm = 4 * 10 * (6 + 10 + 2) + 4 * 10 * (10 + 10 + 2)
    #expect(try count(spec, [7], 30) == 30 * 6 + lstm + 10 * 30 + 30)
    spec.embedding = nil
    #expect(try count(spec, [7], 30) == 30 * 10 + 2 * 4 * 10 * 22 + 10 * 30 + 30)
  }

  // torch.nn.TransformerEncoderLayer and DecoderLayer: 4 w^2 + 4 w for an attention, 2 w a norm.
  @Test func transformer() {
    var options = TranslationTransformerOptions()
    (options.layers, options.width, options.heads, options.feedForward) = (2, 8, 2, 20)
    let (attention, norm) = (4 * 8 * 8 + 4 * 8, 2 * 8)
    let feedForward = 8 * 20 + 20 + 20 * 8 + 8
    let encoder = 2 * (attention + feedForward + 2 * norm) + norm
    let decoder = 2 * (2 * attention + feedForward + 3 * norm) + norm
    let model = TranslationTransformer(vocabulary: 50, options)
    #expect(count(model) == 50 * 8 + encoder + decoder)
  }

  // Radford et al. 2016 for 28x28 pixels, as the layers of the PyTorch example count.
  @Test func dcgan() throws {
    let model = DCGAN(latent: 10, width: 4)
    let generator = 10 * 8 * 49 + 16 + 8 * 4 * 16 + 8 + 4 * 16
    let discriminator = 4 * 16 + 4 * 8 * 16 + 16 + 8 * 49
    #expect(count(model.generator) == generator)
    #expect(count(model.discriminator) == discriminator)
    #expect(count(model) == generator + discriminator)
  }

  // Kipf and Welling 2017: two matrices and their biases; 23,063 for Cora.
  @Test func gcn() {
    #expect(count(GCN(features: 1433, classes: 7)) == 23_063)
  }
}
