import DLCore
import DLFormats
import DLLayers
import DLTensor

/// A task whose model makes images of noise.
package protocol ImageGenerator: TrainingTask {
  /// The shape of a row, which is an image where it is `[height, width, 1 or 3]`.
  var row: Shape { get }

  /// Images of the noise that a key gives, 8 in a row.
  ///
  /// - Throws: `FormatError` where rows are no images.
  func sheet(images count: Int, key: RandomKey) throws -> RasterImage
}

extension ImageGenerator {
  /// Writes 64 images of the same noise each time, `samples/step-NNNNNNNN.png`, where rows are images;
  /// collective.
  func writeSheet(of validation: Validation, _ context: Context) throws {
    try context.communicator.agreed("write the sheet of samples") {
      guard let folder = validation.folder, let step = validation.step, row.isImage else { return }
      let key = RandomKey(context.seed).child("noise").child("sheet")
      let sheet = try sheet(images: 64, key: key)
      try File.makeFolder(folder + "/samples")
      try sheet.writePNG(to: folder + "/samples/step-\(Format.padded(step, 8)).png")
    }
  }
}

extension RasterImage {
  /// Images `[rows, height, width, channels]`, 8 in a row, black and white at two values.
  ///
  /// - Throws: `FormatError` for rows that are no images.
  static func sheet(_ images: Tensor, from black: Double, to white: Double) throws -> RasterImage {
    guard images.shape.dropFirst().isImage else {
      throw UsageError(
        "the model makes rows of shape \(images.shape.dropFirst()), "
          + "which are no images of 1 or 3 channels")
    }
    let scale = 255 / (white - black)
    let pixels = images.doubles.map { UInt8(min(max(($0 - black) * scale, 0), 255).rounded()) }
    return try .sheet(
      tiles: pixels, height: images.shape[1], width: images.shape[2], channels: images.shape[3],
      columns: 8)
  }
}

extension Shape {
  fileprivate var isImage: Bool { rank == 3 && [1, 3].contains(self[2]) }
}

extension Context {
  /// Normal noise for the rows from the context's first row on, `[rows, width]`, keyed row by row, so
  /// that it does not depend on how rows are spread over ranks.
  func normalRows(_ rows: Int, width: Int, key: RandomKey) throws -> Tensor {
    try rowwise(rows, width: width, key: key) { $0.normal() }
  }

  /// Numbers between 0 and 1 for the rows from the context's first row on, `[rows]`, keyed likewise.
  func uniformRows(_ rows: Int, key: RandomKey) throws -> Tensor {
    try rowwise(rows, width: 1, key: key) { $0.uniform() }.reshape([rows])
  }

  private func rowwise(
    _ rows: Int, width: Int, key: RandomKey, _ draw: (inout RandomStream) -> Double
  ) throws -> Tensor {
    var values: [Double] = []
    values.reserveCapacity(rows * width)
    for row in 0..<rows {
      var stream = RandomStream(key.child(rowOffset + row))
      for _ in 0..<width { values.append(draw(&stream)) }
    }
    return try Tensor.values(values, shape: [rows, width], context: self)
  }
}
