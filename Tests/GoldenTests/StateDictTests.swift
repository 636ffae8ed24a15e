import DLFormats
import DLLayers
import DLTensor
import DLTestSupport
import DLTraining
import Foundation
import Testing

/// PyTorch's state_dict of every layer, tied weights among them (scripts/golden/make_state_dict.py).
@Suite struct StateDictTests {
  /// Every name is taken, and every bit comes back.
  @Test func everyLayerLoadsAndSavesBitForBit() throws {
    let file = try Golden.file("state_dict")
    let model = Everything()
    let arena = try ParameterArena(model, context: Context())
    try StateDict(arena).load(from: file)
    let folder = TemporaryFolder()
    let path = folder.path + "/state.safetensors"
    try StateDict(arena).write(to: path)
    let saved = try SafetensorsFile(path: path)
    #expect(Set(saved.tensors.map(\.name)) == Set(file.tensors.map(\.name)))
    for info in file.tensors {
      let copy = try saved.info(info.name)
      #expect(copy.shape == info.shape && copy.dtype == info.dtype, "\(info.name)")
      #expect(try saved.bytes(info.name) == file.bytes(info.name), "\(info.name)")
    }
    #expect(arena.tiedNames.map(\.name) == ["head.weight"])
    #expect(file["head.weight"] != nil)
    #expect(try model.head.weight.value.doubles == file.doubles("embedding.weight"))
  }
}

/// The script's module; the names of its properties are those of PyTorch's.
final class Everything: Module {
  let linear = Linear(inputFeatures: 3, outputFeatures: 4)
  let conv1d = Conv1d(inputChannels: 4, outputChannels: 6, kernelSize: 3, groups: 2)
  let conv2d = Conv2d(inputChannels: 4, outputChannels: 6, kernelSize: Size2d(3, 2), groups: 2)
  let depthwise = Conv2d(inputChannels: 3, outputChannels: 3, kernelSize: 3, groups: 3, bias: false)
  let convTranspose1d = ConvTranspose1d(inputChannels: 3, outputChannels: 4, kernelSize: 2)
  let convTranspose2d = ConvTranspose2d(
    inputChannels: 4, outputChannels: 6, kernelSize: Size2d(2, 3), groups: 2)
  let batchNorm = BatchNorm(features: 5)
  let layerNorm = LayerNorm(normalizedShape: [2, 3])
  let groupNorm = GroupNorm(groups: 2, channels: 4)
  let instanceNorm = InstanceNorm(features: 3, affine: true)
  let rmsNorm = RMSNorm(normalizedShape: [4])
  let prelu = PReLU(count: 3)
  let rnn = RNN(inputSize: 3, hiddenSize: 4)
  let lstm = LSTM(inputSize: 3, hiddenSize: 4, layers: 2, bidirectional: true)
  let gru = GRU(inputSize: 3, hiddenSize: 4, layers: 2, bias: false)
  let embedding = Embedding(count: 5, features: 4, paddingIndex: 0)
  let embeddingBag = EmbeddingBag(count: 5, features: 3)
  let attention = MultiHeadAttention(features: 4, heads: 2)
  let crossAttention = MultiHeadAttention(features: 4, heads: 2, keySize: 3, valueSize: 5)
  let encoder = TransformerEncoder(
    layers: 1, features: 4, TransformerOptions(heads: 2, feedForward: 6, normFirst: true))
  let decoder = TransformerDecoderLayer(features: 4, TransformerOptions(heads: 2, feedForward: 6))
  let token = ClassToken(features: 4)
  let dense = DenseBlock(channels: 3, layers: 2, growth: 2)
  let head: Linear
  let blocks: [Module] = [
    Linear(inputFeatures: 2, outputFeatures: 2),
    Sequential(
      Linear(inputFeatures: 2, outputFeatures: 3), ReLU(),
      Linear(inputFeatures: 3, outputFeatures: 1)),
  ]

  override init() {
    head = Linear(tiedTo: embedding.weight)
    super.init()
  }
}
