import DLCore
import DLData
import DLFormats

extension TrainingData {
  /// A sheet of training images: a row for each of the first ones, the image as it is validated and
  /// then as the first epochs show it, before rows are mixed and normalized.
  ///
  /// - Parameters:
  ///   - images: rows of the sheet.
  ///   - epochs: columns beside the first.
  /// - Throws: `UsageError` for data that are no images of bytes; what opening and reading throw.
  package static func sheet(_ configuration: Configuration, images: Int, epochs: Int) throws
    -> RasterImage
  {
    guard (1...1000).contains(images), (0...1000).contains(epochs) else {
      throw UsageError("\(images) rows of \(epochs) epochs are no sheet: give 1 to 1000")
    }
    var configuration = configuration
    // Mean and deviation have no part in what is seen.
    configuration.data.normalize = nil
    let data = try TrainingData(configuration)
    let dataset = data.train
    let shape = dataset.inputShape
    guard dataset.inputType == .uint8, shape.count == 3, shape[2] == 1 || shape[2] == 3 else {
      throw UsageError(
        "data.train: rows of \(dataset.inputType) \(shape) are no images of bytes, gray or color")
    }
    let rows = Array(0..<min(images, dataset.count))
    let columns = data.augmentation == nil ? 1 : 1 + epochs
    let size = dataset.inputByteCount
    var tiles = [UInt8](repeating: 0, count: rows.count * columns * size)
    var labels = [UInt8](repeating: 0, count: dataset.labelByteCount)
    var scratch = [UInt8](repeating: 0, count: size)
    try tiles.withUnsafeMutableBytes { tiles in
      try labels.withUnsafeMutableBytes { labels in
        try scratch.withUnsafeMutableBytes { scratch in
          for tile in 0..<rows.count * columns {
            let (row, column) = tile.quotientAndRemainder(dividingBy: columns)
            let place = UnsafeMutableRawBufferPointer(
              rebasing: tiles[tile * size..<(tile + 1) * size])
            try withUnsafePointer(to: rows[row]) { row in
              let row = UnsafeBufferPointer(start: row, count: 1)
              guard column > 0, let augmentation = data.augmentation else {
                return try dataset.read(rows: row, inputs: place, labels: labels)
              }
              try augmentation.read(
                row, of: dataset,
                in: .init(epoch: column - 1, repeats: configuration.data.repeats), inputs: place,
                labels: labels, scratch: scratch)
            }
          }
        }
      }
    }
    return try RasterImage.sheet(
      tiles: tiles, height: shape[0], width: shape[1], channels: shape[2], columns: columns)
  }
}
