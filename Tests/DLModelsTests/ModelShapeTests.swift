import DLLayers
import DLModels
import DLTensor
import DLTestSupport
import Testing

/// What the named models take, and the shape of what they give.
@Suite struct ModelShapeTests {
  private let context = Context(precision: .float32)

  /// Runs a network that is set up over a batch of zeros or tokens 0.
  private func shape(_ network: any Layer, _ input: Shape, isTokens: Bool) throws -> Shape {
    _ = try ParameterArena(network, context: context)
    let x =
      isTokens
      ? try Tensor.labels(
        [Int32](repeating: 0, count: input.count), shape: input, context: context)
      : try Tensor.zeros(input, context: context)
    return try network(x).shape
  }

  @Test func imagesBecomeLogits() throws {
    for (spec, side, channels) in [
      (LeNet5(), 28, 1), (DigitsCNN(), 8, 1), (SmallImageResNet(), 32, 3),
    ] as [(any ModelSpec, Int, Int)] {
      let input = Shape([side, side, channels])
      let network = try #require(try spec.network(for: input, classes: 7) as? any Layer)
      #expect(try network.outputShape(for: input) == [7], "\(type(of: spec).name)")
      let output = try shape(network, Shape([2, side, side, channels]), isTokens: false)
      #expect(output == [2, 7], "\(type(of: spec).name)")
    }
  }

  @Test func tokensBecomeLogitsForEach() throws {
    var (gpt, lstm) = (GPTOptions(), LSTMLanguageModelOptions())
    (gpt.layers, gpt.width, gpt.heads) = (1, 8, 2)
    (lstm.layers, lstm.hidden) = (1, 8)
    for spec in [gpt, lstm] as [any ModelSpec] {
      let network = try #require(try spec.network(for: [5], classes: 11) as? any Layer)
      #expect(try network.outputShape(for: [5]) == [5, 11], "\(type(of: spec).name)")
      #expect(
        try shape(network, [3, 5], isTokens: true) == [3, 5, 11], "\(type(of: spec).name)")
    }
  }

  @Test func noiseBecomesImages() throws {
    let model = DCGAN(latent: 6, width: 4, channels: 3)
    _ = try ParameterArena(model, context: context)
    let images = try model.generator(Tensor.zeros([2, 1, 1, 6], context: context))
    #expect(images.shape == [2, 28, 28, 3])
    #expect(try model.discriminator(images).shape == [2, 1])
  }

  @Test func inputsOfOtherKindsAreNamed() {
    expect("lenet5: input has shape [784], expected [height, width, channels] with classes") {
      try LeNet5().network(for: [784], classes: 10)
    }
    expect("digits_cnn: input has shape [8, 8, 1], expected [height, width, channels] with classes")
    {
      try DigitsCNN().network(for: [8, 8, 1], classes: nil)
    }
    expect(
      "gpt: input has shape [8, 8, 1], expected [time] tokens; pack a text, give data.window"
    ) { try GPTOptions().network(for: [8, 8, 1], classes: 10) }
  }

  @Test func headsDivideTheWidth() {
    var options = GPTOptions()
    #expect(options.problems().isEmpty)
    (options.width, options.heads) = (10, 4)
    #expect(options.problems().map(\.message) == ["10 features do not divide into 4 heads"])
    #expect(options.problems().first?.keys == ["heads", "width"])
  }

  @Test func namesAreDistinct() {
    let names = ModelRegistry.builtIn.map { $0.name }
    #expect(names.count >= 18 && Set(names).count == names.count)
  }
}
