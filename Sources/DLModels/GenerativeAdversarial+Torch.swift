import DLLayers
import DLTensor

extension TorchProgram {
  /// A chain's module whose outputs become rows of a shape.
  func shaped(_ chain: TorchExpression, row: Shape) -> TorchExpression {
    define(
      "shaped",
      """
      def shaped(module, row):
          \"""`module`, whose outputs become rows of a shape; those of images have channels first.\"""

          class Shaped(module):
              def forward(self, x):
                  y = super().forward(x)
                  y = y.movedim(1, -1) if y.dim() == 4 else y
                  y = y.reshape(len(y), *row)
                  return y.movedim(-1, 1) if len(row) == 3 else y

          return Shaped
      """)
    let sizes = row.dimensions.map(String.init).joined(separator: ", ")
    return chain.calling { "shaped(\($0), [\(sizes)])" }
  }
}

extension GenerativeAdversarial {
  /// A class of both networks, which gives what the generator makes of noise `[batch, size]`.
  ///
  /// - Parameter row: the shape of an image.
  /// - Throws: `LayerExportError` for a layer that has no such form.
  package func torch(for row: Shape, in program: TorchProgram) throws -> TorchExpression {
    let told = conditionClasses ?? 0
    let noise: Shape = [1, 1, latentSize + told]
    let seen = Shape(row.dimensions.dropLast() + [row.last + told])
    let generator = try program.expression(generator, for: noise)
    // Noise is an image of one pixel, but for what makes a row of it.
    let noiseAxes = self is GAN ? "" : "[:, :, None, None]"
    program.define(
      "Pair",
      """
      class Pair(nn.Module):
          \"""A generator of images, and the discriminator that it was trained against.\"""

          def __init__(self, generator, discriminator):
              super().__init__()
              self.generator, self.discriminator = generator, discriminator

          def forward(self, x):
              return self.generator(x\(noiseAxes))
      """)
    return .call("Pair", [generator, try program.expression(discriminator, for: seen)])
  }
}
