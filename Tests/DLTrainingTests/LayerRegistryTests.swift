import DLConfiguration
import DLData
import DLLayers
import DLModels
import DLTensor
import DLTestSupport
import DLTraining
import Testing

/// `x + shift`.
private final class Shift: Module, Layer {
  let shift: Double
  init(shift: Double) { self.shift = shift }
  func forward(_ x: Tensor) throws -> Tensor { try x + shift }

  struct Options: LayerSpec {
    static var word: String { "registry_test_shift" }
    var shift = 1.0
    static var fields: [ConfigurationField<Self>] {
      [.init("shift", \.shift, .atLeast(0), "what is added")]
    }
    func layer(for input: Shape) -> any Layer { Shift(shift: shift) }
  }
}

/// A layer under a name of the library's.
private struct Impostor: LayerSpec {
  static var word: String { "conv2d" }
  func layer(for input: Shape) -> any Layer { Shift(shift: 0) }
}

/// `Σ (x - y)⁴`.
private struct FourthPower: LossSpec {
  static var word: String { "registry_test_fourth_power" }
  func denominator(_ target: Tensor) -> Double { Double(target.count) }
  func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    try (prediction - target).square().square().sum()
  }
}

/// A linear model of a given width.
private struct Wide: ModelSpec {
  static var name: String { "registry_test_wide" }
  var width = 4
  static var fields: [ConfigurationField<Self>] { [.init("width", \.width, .layerSize, "width")] }
  func network(for input: Shape, classes: Int?) throws -> Module {
    Sequential(Flatten(), Linear(inputFeatures: input.count, outputFeatures: width))
  }
}

/// An augmentation that computes pixels itself.
private struct Lighten: AugmentationSpec, PixelChange {
  static var word: String { "registry_test_lighten" }
  var by = 10.0
  static var fields: [ConfigurationField<Self>] { [.init("by", \.by, .within(0...255), "added")] }
  var change: Augmentation.Change { .pixels(.init(self)) }
  func apply(to pixels: inout [Float], shape: [Int], random: inout RandomStream) {
    for index in pixels.indices { pixels[index] += Float(by) }
  }
}

/// Types of a program's own that YAML can name.
@Suite struct LayerRegistryTests {
  private func load(_ text: String) throws -> Configuration {
    try Configuration.load(yaml: "data: {synthetic: {shape: [2, 3], classes: 2}}\n" + text)
  }

  @Test func yamlNamesWhatIsRegistered() throws {
    try LayerRegistry.register(Shift.Options.self)
    try LossRegistry.register(FourthPower.self)
    let text = """
      model: {layers: [{registry_test_shift: {shift: 2.5}}, registry_test_shift]}
      loss: registry_test_fourth_power
      """
    let job = try load(text)
    #expect(try Configuration.load(yaml: job.yaml()) == job)
    #expect(job.loss.loss is FourthPower)
    let layers = try #require(job.model.layers)
    let chain = try LayerConfiguration.chain(layers, input: [3])
    let x = try Tensor.values([1, 2, 3], shape: [1, 3], context: Context(precision: .float64))
    #expect(try chain(x).doubles == [4.5, 5.5, 6.5])
    #expect(try ConfigurationSchema.json().contains("registry_test_shift"))
    let fault = #expect(throws: ConfigurationError.self) {
      try load("model: {layers: [{registry_test_shift: {shift: -1}}]}")
    }
    #expect(fault?.description.contains("model.layers.0.registry_test_shift.shift") == true)
  }

  @Test func modelsAreNamedToo() throws {
    #expect(throws: ConfigurationError.self) { try load("model: {name: registry_test_wide}") }
    try ModelRegistry.register(Wide.self)
    let job = try load("model: {name: registry_test_wide, width: 7}")
    #expect(try Configuration.load(yaml: job.yaml()) == job)
    let network = try job.model.options?.network(for: [2, 3], classes: 2) as? Sequential
    #expect(try network?.outputShape(for: [2, 3]) == [7])
  }

  @Test func augmentationsAreNamedToo() throws {
    try AugmentationRegistry.register(Lighten.self)
    let text = """
      data: {train: images.safetensors, augment: [{registry_test_lighten: {by: 3}}]}
      model: {name: lenet5}
      """
    let job = try Configuration.load(yaml: text)
    #expect(try Configuration.load(yaml: job.yaml()) == job)
    let change = try #require(job.data.augment.first?.change)
    guard case .pixels(let own) = change else {
      Issue.record("\(change) is no change of pixels")
      return
    }
    #expect((own.base as? Lighten)?.by == 3)
  }

  @Test func aNameStandsForOneType() throws {
    let error = #expect(throws: RegistryError.self) { try LayerRegistry.register(Impostor.self) }
    #expect(error?.exitCode == .usage)
    #expect(
      error?.description.hasPrefix("layer conv2d: DLLayers.Conv2d.Options has this") == true,
      "\(error?.description ?? "")")
    #expect(!LayerRegistry.all.contains { $0 == Impostor.self })
    let count = LayerRegistry.all.count
    try LayerRegistry.register(Linear.Options.self)
    #expect(LayerRegistry.all.count == count)
  }
}
