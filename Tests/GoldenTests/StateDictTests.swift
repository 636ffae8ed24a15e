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
  let linear = Linear(3, 4)
  let conv1d = Conv1d(inputChannels: 4, outputChannels: 6, kernelSize: 3, groups: 2)
  let conv2d = Conv2d(inputChannels: 4, outputChannels: 6, kernelSize: Size2d(3, 2), groups: 2)
  let depthwise = Conv2d(inputChannels: 3, outputChannels: 3, kernelSize: 3, groups: 3, bias: false)
  let convTranspose1d = ConvTranspose1d(inputChannels: 3, outputChannels: 4, kernelSize: 2)
  let convTranspose2d = ConvTranspose2d(
    inputChannels: 4, outputChannels: 6, kernelSize: Size2d(2, 3), groups: 2)
  let batchNorm = BatchNorm(5)
  let layerNorm = LayerNorm(normalizedShape: [2, 3])
  let groupNorm = GroupNorm(groups: 2, channels: 4)
  let instanceNorm = InstanceNorm(3, affine: true)
  let rmsNorm = RMSNorm([4])
  let prelu = PReLU(3)
  let rnn = RNN(3, 4)
  let lstm = LSTM(3, 4, layers: 2, bidirectional: true)
  let gru = GRU(3, 4, layers: 2, bias: false)
  let embedding = Embedding(5, 4, paddingIndex: 0)
  let embeddingBag = EmbeddingBag(5, 3)
  let attention = MultiHeadAttention(4, heads: 2)
  let crossAttention = MultiHeadAttention(4, heads: 2, keySize: 3, valueSize: 5)
  let encoder = TransformerEncoder(
    1, 4, TransformerOptions(heads: 2, feedForward: 6, normFirst: true))
  let decoder = TransformerDecoderLayer(4, TransformerOptions(heads: 2, feedForward: 6))
  let head: Linear
  let blocks: [Module] = [Linear(2, 2), Sequential(Linear(2, 3), ReLU(), Linear(3, 1))]

  override init() {
    head = Linear(tiedTo: embedding.weight)
    super.init()
  }
}
