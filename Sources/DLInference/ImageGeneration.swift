import DLCluster
import DLCore
import DLFormats
import DLTensor
import DLTraining

/// Images that the generator of a trained adversarial network makes of noise.
package struct ImageGeneration: Sendable {
  /// The number of images, 1 to 4,096.
  package var images = 64
  /// Keys the noise; the same seed makes the same images.
  package var seed: UInt64 = 1

  /// Makes a generation of 64 images.
  package init() {}

  /// Writes the images as one PNG file, 8 in a row.
  ///
  /// - Throws: `UsageError` for a number of images out of range, or a run whose model makes none;
  ///   what opening the run and writing the file throw.
  package func run(_ run: LoadedRun, to path: String) throws {
    guard 1...4096 ~= images else { throw UsageError("images \(images): give 1 to 4096") }
    let trained = try LoadedNetwork(run, communicator: SingleRank())
    guard let task = trained.task as? any ImageGenerator else {
      throw UsageError(
        "\(run.folder): its model makes no images; name a run of a gan, dcgan or vae, "
          + "or leave out the PNG file")
    }
    let key = RandomKey(seed).child("generate")
    try trained.context.withoutRecording { try task.sheet(images: images, key: key) }
      .writePNG(to: path)
  }
}
