import DLConfiguration
import DLLayers
import DLTensor
import DLTestSupport
import DLTraining
import Testing

/// The words `rnn`, `lstm` and `gru` of `model.layers`.
@Suite struct RecurrentSpecTests {
  private func layers(_ text: String) throws -> [LayerConfiguration] {
    let job = try Configuration.load(
      yaml: "data: {synthetic: {shape: [7, 3], classes: 2}}\nmodel: {layers: \(text)}\n")
    return try #require(job.model.layers)
  }

  @Test func everyOptionReachesTheLayer() throws {
    let options = "hidden: 6, layers: 2, bias: false, dropout: 0.25, bidirectional: true"
    let words = try layers(
      "[{lstm: {\(options)}}, {gru: {\(options)}}, {rnn: {hidden: 5, nonlinearity: relu, return: last}}]"
    )
    let chain = try LayerConfiguration.chain(words, input: [7, 3])
    #expect(try chain.outputShape(for: [7, 3]) == [5])
    for (layer, input) in compared(chain.layers.prefix(2), [3, 12]) {
      let network = try #require(layer as? Recurrent)
      #expect(network.inputSize == input && network.options.hidden == 6)
      #expect(network.parameters.count == 2 && network.options.bidirectional)
      #expect(network.options.dropout == 0.25 && network.options.returns == .sequence)
      #expect(network.parameters[1][1].biasIH == nil)
    }
    #expect(chain.layers[0] is LSTM && chain.layers[1] is GRU)
    #expect((chain.layers[2] as? RNN)?.cell == .relu)
  }

  @Test func faultsNameWhatIsWrong() throws {
    #expect {
      try LayerConfiguration.chain(layers("[flatten, {lstm: {hidden: 4}}]"), input: [7, 3])
    } throws: {
      "\($0)" == "1: lstm: input has shape [21], expected [time, features]"
    }
    for text in ["{lstm: {}}", "{gru: {hidden: 0}}", "{rnn: {hidden: 2, return: first}}"] {
      #expect(throws: ConfigurationError.self) { try layers("[\(text)]") }
    }
  }
}
