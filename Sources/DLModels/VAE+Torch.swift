import DLLayers
import DLTensor

extension VAE {
  /// A class of both networks, which gives what the decoder makes of the mean of each row's code.
  ///
  /// - Throws: `LayerExportError` for a layer that has no such form.
  package func torch(in program: TorchProgram) throws -> TorchExpression {
    let decoded = "self.decoder(self.mean(self.encoder(x)))"
    let result = likelihood == .bernoulli ? decoded + ".sigmoid()" : decoded
    program.define(
      "VAE",
      """
      class VAE(nn.Module):
          \"""A variational autoencoder's way through the mean of the code (Kingma and Welling 2014).\"""

          def __init__(self, encoder, decoder, features, latent):
              super().__init__()
              self.encoder, self.decoder = encoder, decoder
              self.mean = nn.Linear(features, latent)
              self.log_variance = nn.Linear(features, latent)

          def forward(self, x):
              return \(result)
      """)
    let decoder = program.shaped(try program.expression(decoder, for: [latent]), row: row)
    return .call(
      "VAE",
      [
        try program.expression(encoder, for: row), decoder, "\(mean.weight.shape[1])", "\(latent)",
      ])
  }
}
