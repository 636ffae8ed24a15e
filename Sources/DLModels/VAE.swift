import DLConfiguration
import DLLayers
import DLTensor

/// A variational autoencoder whose two networks are given as layers, for rows of any shape.
///
/// Kingma and Welling 2014; a `beta` other than 1 is that of Higgins et al. 2017.
package struct VAEOptions: ModelSpec {
  package static var name: String { "vae" }
  /// The length of a code.
  package var latent = 16
  /// Layers from a row to the features that the mean and deviation of its code come from.
  package var encoder: [LayerConfiguration] = []
  /// Layers from a code to as many numbers as a row has.
  package var decoder: [LayerConfiguration] = []
  /// The meaning of decoded numbers for a row.
  package var likelihood = VAE.Likelihood.bernoulli
  /// The weight of the divergence from the prior.
  package var beta = 1.0
  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("latent", \.latent, .layerSize, "length of a code"),
      .init("encoder", \.encoder, required: true, "layers from a row to features"),
      .init("decoder", \.decoder, required: true, "layers from a code to a row"),
      .init(
        "likelihood", \.likelihood,
        "bernoulli: decoded are logits of values in 0 ... 1; gaussian: means of deviation 1"),
      .init("beta", \.beta, .atLeast(0), "weight of the divergence from the prior"),
    ]
  }

  /// Makes both networks for rows of a shape.
  ///
  /// - Throws: ``TensorError`` with the path of a layer that does not take what comes before it,
  ///   where the encoder makes more than one axis of features, and where the decoder makes no row.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    let encoder = try LayerConfiguration.chain(encoder, input: input, path: "encoder")
    let features = try encoder.outputShape(for: input)
    guard features.rank == 1 else {
      throw TensorError(
        op: Self.name, "encoder gives \(features), expected one axis of features; add flatten")
    }
    let decoder = try LayerConfiguration.chain(decoder, input: [latent], path: "decoder")
    let made = try decoder.outputShape(for: [latent])
    guard made.count == input.count else {
      throw TensorError(
        op: Self.name, "decoder gives \(made), a row is \(input); let its last layer give as much")
    }
    return VAE(
      encoder: encoder, features: features.last, decoder: decoder, row: input, latent: latent,
      likelihood: likelihood, beta: beta)
  }
}

/// The networks of `VAEOptions`: an encoder, the mean and the logarithm of the variance of a code, a
/// decoder.
package final class VAE: Module {
  /// The meaning of decoded numbers for a row.
  package enum Likelihood: String, ConfigurationWord {
    /// They are logits of values between 0 and 1.
    case bernoulli
    /// They are means of values of deviation 1.
    case gaussian
  }

  let encoder: Sequential
  let mean: Linear
  private let logVariance: Linear
  let decoder: Sequential
  /// The shape of a row.
  package let row: Shape
  /// The length of a code.
  package let latent: Int
  /// The meaning of decoded numbers for a row.
  package let likelihood: Likelihood
  /// The weight of the divergence from the prior.
  package let beta: Double

  init(
    encoder: Sequential, features: Int, decoder: Sequential, row: Shape, latent: Int,
    likelihood: Likelihood, beta: Double
  ) {
    self.encoder = encoder
    mean = Linear(inputFeatures: features, outputFeatures: latent)
    logVariance = Linear(inputFeatures: features, outputFeatures: latent)
    self.decoder = decoder
    self.row = row
    self.latent = latent
    self.likelihood = likelihood
    self.beta = beta
  }

  /// The mean of the code of each row and the logarithm of its variance, both `[batch, latent]`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package func encode(_ x: Tensor) throws -> (mean: Tensor, logVariance: Tensor) {
    let features = try encoder(x)
    return (try mean(features), try logVariance(features))
  }

  /// Rows from codes `[batch, latent]`: logits or means.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package func decode(_ code: Tensor) throws -> Tensor {
    try decoder(code).reshape(row.prepending(code.shape[0]))
  }

  /// Adds the way of a row through the mean of its code to a graph.
  ///
  /// - Throws: ``LayerExportError`` for a layer without an ONNX form.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let code = try graph.add(mean, to: graph.add(encoder, to: x))
    let decoded = graph.channelsLast(try graph.add(decoder, to: code))
    let rows = graph.reshape(decoded.name, row.dimensions)
    return ONNXValue(likelihood == .bernoulli ? graph.node("Sigmoid", [rows]) : rows, row: row)
  }

  /// The values that decoded numbers stand for.
  ///
  /// - Throws: ``TensorError`` where there is no memory.
  package func values(_ decoded: Tensor) throws -> Tensor {
    likelihood == .bernoulli ? try decoded.sigmoid() : decoded
  }
}
