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

  /// A triangle and two nodes, of which the first alone has a neighbor; the other slots are empty.
  @Test func graphsBecomeLogits() throws {
    var options = GINOptions()
    (options.layers, options.hidden) = (2, 4)
    let network = try #require(try options.network(for: [4, 3], classes: 5) as? any Layer)
    #expect(try network.outputShape(for: [4, 3]) == [5])
    #expect(try shape(network, [2, 4, 3], isTokens: true) == [2, 5])
    let triangle: [Int32] = [1, 2, 3, 1, 1, 3, 1, 1, 2, 0, 0, 0]
    let pair: [Int32] = [0, 0, 0, 1, 4, 0, 0, 0, 0, 1, 0, 0]
    let graphs = try GraphBatch(.labels(triangle + pair, shape: [2, 4, 3], context: context))
    #expect(graphs.kinds.doubles == [0, 0, 0, 0, 0])
    #expect(graphs.adjacency.rowStart.doubles == [0, 2, 4, 6, 7, 7])
    #expect(graphs.adjacency.column.doubles == [1, 2, 0, 2, 0, 1, 4])
    #expect(graphs.membership.rowStart.doubles == [0, 3, 5])
    expect("graphs: graph 0: node 1 has the neighbor 3, which is no node") {
      try GraphBatch(.labels([1, 3, 0, 1, 1, 0], shape: [1, 2, 3], context: context))
    }
    expect(
      "gin: input has shape [8], expected graphs of [slots, 1 + neighbors] with classes; pack them "
        + "by dltrain data pack graphs"
    ) { try GINOptions().network(for: [8], classes: 2) }
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

  @Test func whatPublishedNetworksDoNotTakeIsSaid() throws {
    var (resnet, vgg, densenet) = (ResNetOptions(), VGGOptions(), DenseNetOptions())
    (resnet.depth, vgg.depth, densenet.depth) = (20, 12, 130)
    #expect(resnet.problems().map(\.message) == ["expected 18, 34, 50, 101 or 152"])
    #expect(vgg.problems().map(\.message) == ["expected 11, 13, 16 or 19"])
    #expect(densenet.problems().map(\.message) == ["expected 121, 161, 169 or 201"])
    expect("vit: images of 30x32 do not divide into patches of 16x16") {
      try VisionTransformerOptions().network(for: [30, 32, 3], classes: 2)
    }
    var gpt = GPT2Options()
    gpt.positions = 8
    expect("gpt2: positions is 8, the data need 12") { try gpt.network(for: [12], classes: 5) }
    expect("resnet: input has shape [12], expected [height, width, channels] with classes") {
      try ResNetOptions().network(for: [12], classes: 2)
    }
    var bert = BERTBaseOptions()
    #expect(
      bert.problems().map(\.message) == ["the number of tokens is needed with head: classify"])
    (bert.vocabulary, bert.paddingIdx) = (10, 10)
    #expect(bert.problems().map(\.message) == ["10 is no token of 10"])
    (bert.head, bert.paddingIdx) = (.masked, nil)
    #expect(bert.problems().map(\.message) == ["is needed with head: masked"])
  }

  /// Every model, for inputs of ranks 0 to 4: a network, or an error that names the input.
  @Test func anyInputIsTakenOrRefused() throws {
    let inputs: [Shape] = [[], [1], [5], [4, 3], [1, 1], [8, 8, 1], [1, 1, 1], [2, 3, 4, 5]]
    var refused = 0
    for type in ModelRegistry.builtIn {
      for input in inputs {
        for classes in [nil, 1, 3] {
          do {
            _ = try type.init().network(for: input, classes: classes)
          } catch let error as TensorError {
            refused += 1
            #expect(!error.detail.isEmpty, "\(type.name) of \(input)")
          }
        }
      }
    }
    #expect(refused > ModelRegistry.builtIn.count)
  }

  @Test func namesAreDistinct() {
    let names = ModelRegistry.builtIn.map { $0.name }
    #expect(names.count >= 26 && Set(names).count == names.count)
  }
}
