import DLCore
import DLData
import DLFormats

extension DatasetReport {
  /// Rows, bytes, classes with their rows, and sizes of encoded images.
  ///
  /// Every image is decoded, in a size of one pixel, so that a damaged one is found.
  static func encoded(_ path: String, _ columns: Int?) throws -> String {
    let dataset = try TensorFileDataset(path: path, images: ImageFit(size: 1))
    let file = try SafetensorsFile(path: path)
    var (heights, widths) = ((least: Int.max, most: 0), (least: Int.max, most: 0))
    var classes = [Int](repeating: 0, count: min(dataset.classCount ?? 0, 1 << 20))
    var pixel = [UInt8](repeating: 0, count: dataset.inputByteCount)
    var label = [UInt8](repeating: 0, count: dataset.labelByteCount)
    for row in 0..<dataset.count {
      try withUnsafePointer(to: row) { row in
        try pixel.withUnsafeMutableBytes { pixel in
          try label.withUnsafeMutableBytes { label in
            try dataset.read(
              rows: UnsafeBufferPointer(start: row, count: 1), inputs: pixel, labels: label
            ) { _, height, width in
              heights = (min(heights.least, height), max(heights.most, height))
              widths = (min(widths.least, width), max(widths.most, width))
              return PixelWindow(top: 0, left: 0, height: 1, width: 1)
            }
          }
        }
      }
      if dataset.labelType == .int32, dataset.labelShape.isEmpty {
        let number = Int(label.withUnsafeBytes { $0.loadUnaligned(as: Int32.self) })
        if classes.indices.contains(number) { classes[number] += 1 }
      }
    }
    func range(_ sizes: (least: Int, most: Int)) -> String {
      sizes.least == sizes.most ? "\(sizes.least)" : "\(sizes.least) to \(sizes.most)"
    }
    let bytes = try file.info(StoredImages.bytesKey).count
    var lines = [
      ["rows", Format.grouped(dataset.count)],
      ["images", "encoded, \(Format.grouped(bytes)) bytes"], ["height", range(heights)],
      ["width", range(widths)],
    ]
    if let count = dataset.classCount { lines.append(["classes", Format.grouped(count)]) }
    let names = try classNames(path)
    let shown = classes.prefix(100).enumerated().map { index, count in
      ["\(index)", Format.grouped(count)] + (index < names.count ? [names[index]] : [])
    }
    let table = Format.table(
      [["class", "labels"]] + shown, rightAligned: [0, 1], columns: columns)
    return Format.table(lines, columns: columns) + (shown.isEmpty ? "" : "\n\n" + table)
  }
}
