import DLCore
import DLFormats
import DLTensor

/// Strews images of single things over larger ones, to be found there.
package struct StrewnPacker {
  /// The labels that the larger images can have.
  package enum Labels: String, Sendable, CaseIterable {
    /// A class and a box for each thing.
    case boxes
    /// A class for each pixel, 0 for the background.
    case pixels
  }

  /// Height and width of the larger images.
  package var canvas = (height: 48, width: 48)
  /// The fewest and the most things on one.
  package var objects = 1...4
  /// The least and the largest factor of a thing's size.
  package var scale = 1.0...2.0
  /// The number of images made of each file.
  package var rows = [2000, 400]
  /// The labels of the images.
  package var labels = Labels.boxes
  /// Keys what lies where.
  package var seed = 1
  /// Told now and then: the part, its rows done, and all of them.
  package var progress: (_ part: String, _ done: Int, _ count: Int) -> Void = { _, _, _ in }

  /// The byte from which on a pixel belongs to the thing.
  private static let ink: UInt8 = 64
  /// The number of times that a place is looked for.
  private static let tries = 50

  /// Makes a packer.
  package init() {}

  /// Strews the images of each of one or two data set files: x U8 `[N, height, width, channels]`, and
  /// y F32 `[N, objects, 5]` (class, left, top, right, bottom; class -1 for none) or U8
  /// `[N, height, width]`.
  ///
  /// A row depends on the seed, its part and its number alone. Boxes hold the thing's pixels and touch
  /// no other; a thing that finds no place in 50 tries is left out.
  ///
  /// - Throws: `DataError` for settings out of range, `FormatError` for files that hold no images.
  package func pack(_ sources: [String], output: String) throws -> [PackedFile] {
    try check(sources)
    let place = try PackOutput(output, parts: sources.count)
    let images = try sources.map { try LabelledImages($0) }
    if let second = images.dropFirst().first {
      guard second.names == images[0].names, second.shape[2] == images[0].shape[2] else {
        throw FormatError(
          .content, file: sources[1], "has other classes or channels than \(sources[0])",
          advice: "name files that were packed alike")
      }
    }
    // 0 is the background, and a pixel's class is a byte.
    guard labels == .boxes || images[0].names.count <= Int(UInt8.max) else {
      throw FormatError(
        .content, file: sources[0],
        "has \(images[0].names.count) classes, a pixel's class is one of \(UInt8.max)",
        advice: "leave classes out by dltrain data pack subset")
    }
    return try images.enumerated().map { index, images in
      let largest = images.shape.prefix(2).map { Int((Double($0) * scale.upperBound).rounded()) }
      guard largest[0] <= canvas.height, largest[1] <= canvas.width else {
        throw DataError(
          "scale: things of up to \(largest[0]) x \(largest[1]) pixels do not fit on "
            + "\(canvas.height) x \(canvas.width); give a larger \(OptionName.canvas)")
      }
      let part = SplitPlan.names[index]
      let path = place.path(part)
      return try write(images, part, rows: rows[index], to: path)
    }
  }

  private func check(_ sources: [String]) throws {
    let sizes = 1...4096
    guard sizes.contains(canvas.height), sizes.contains(canvas.width) else {
      throw DataError("canvas: \(canvas.height) x \(canvas.width) is out of range, give 1 to 4096")
    }
    guard objects.lowerBound >= 1, objects.upperBound <= 1000 else {
      throw DataError("objects: \(objects) is out of range, give 1 to 1000")
    }
    guard scale.lowerBound >= 0.1, scale.upperBound <= 100 else {
      throw DataError("scale: \(scale) is out of range, give 0.1 to 100")
    }
    guard rows.count == sources.count, rows.allSatisfy({ (1...1 << 24).contains($0) }) else {
      throw DataError(
        "rows: \(rows.map(String.init).joined(separator: ",")) for \(counted(sources.count, "file")), "
          + "give a number of 1 to \(1 << 24) for each")
    }
  }

  private func write(_ images: LabelledImages, _ part: String, rows: Int, to path: String) throws
    -> PackedFile
  {
    let shape = [rows, canvas.height, canvas.width, images.shape[2]]
    let key = RandomKey(seed).child("strewn").child(part)
    var (things, leftOut) = (0, 0)
    // Rows are made once for each tensor, which are written one after the other.
    let x = SafetensorsTensor(name: "x", dtype: .uint8, shape: shape) { sink in
      for row in 0..<rows {
        let canvas = try canvas(row, of: images, key)
        try canvas.pixels.withUnsafeBytes { try sink($0) }
        things += canvas.things
        leftOut += canvas.things - canvas.boxes.count
        progress(part, row + 1, rows)
      }
    }
    let y =
      switch labels {
      case .boxes:
        SafetensorsTensor(
          name: "y", dtype: .float32, shape: [rows, objects.upperBound, 5]
        ) { sink in
          for row in 0..<rows {
            let boxes = try canvas(row, of: images, key).boxes
            let empty = [-1, 0, 0, 0, 0] as [Float]
            let all = boxes + repeatElement(empty, count: objects.upperBound - boxes.count)
            try all.flatMap { $0 }.withUnsafeBytes { try sink($0) }
          }
        }
      case .pixels:
        SafetensorsTensor(name: "y", dtype: .uint8, shape: Array(shape.prefix(3))) { sink in
          for row in 0..<rows {
            try canvas(row, of: images, key).classes.withUnsafeBytes { try sink($0) }
          }
        }
      }
    let names = (labels == .pixels ? ["background"] : []) + images.names
    try PackedFile.write(
      [x, y],
      metadata: [
        "source": "strewn images", "classes": String(names.count),
        ClassNames.key: ClassNames(names).text,
      ], to: path)
    let note =
      leftOut == 0
      ? nil : "\(leftOut) of \(counted(things, "object")) found no place and are left out"
    return PackedFile(path: path, shape: shape, note: note)
  }

  /// A row: its pixels, the class of each, the boxes, and how many things were to lie on it.
  private struct Canvas {
    var pixels: [UInt8]
    var classes: [UInt8]
    var boxes: [[Float]] = []
    var things = 0
  }

  private func canvas(_ row: Int, of images: LabelledImages, _ key: RandomKey) throws -> Canvas {
    var stream = RandomStream(key.child(row))
    let channels = images.shape[2]
    let places = canvas.height * canvas.width
    var result = Canvas(
      pixels: [UInt8](repeating: 0, count: places * channels),
      classes: [UInt8](repeating: 0, count: places))
    result.things = objects.lowerBound + stream.upTo(objects.count)
    for _ in 0..<result.things {
      let number = stream.upTo(images.count)
      let factor = scale.lowerBound + stream.uniform() * (scale.upperBound - scale.lowerBound)
      let image = try images.image(number)
      let thing = Thing(
        try image.resized(
          height: max(Int((Double(image.height) * factor).rounded()), 1),
          width: max(Int((Double(image.width) * factor).rounded()), 1)), ink: Self.ink)
      for _ in 0..<Self.tries {
        let left = stream.upTo(canvas.width - thing.width + 1)
        let top = stream.upTo(canvas.height - thing.height + 1)
        let box = [left, top, left + thing.width, top + thing.height].map { Float($0) }
        // Boxes that touch share an edge, and no pixel.
        let isFree = result.boxes.allSatisfy {
          box[0] > $0[3] || box[2] < $0[1] || box[1] > $0[4] || box[3] < $0[2]
        }
        guard isFree else { continue }
        result.boxes.append([Float(images.labels[number])] + box)
        paint(thing, left, top, UInt8(images.labels[number] + 1), on: &result)
        break
      }
    }
    return result
  }

  private func paint(
    _ thing: Thing, _ left: Int, _ top: Int, _ label: UInt8, on canvas: inout Canvas
  ) {
    let channels = thing.image.channels
    for row in 0..<thing.height {
      for column in 0..<thing.width {
        let place = (top + row) * self.canvas.width + left + column
        for channel in 0..<channels {
          canvas.pixels[place * channels + channel] = thing.pixel(row, column, channel)
        }
        if thing.isInk(row, column) { canvas.classes[place] = label }
      }
    }
  }
}

/// An image cut to the pixels that belong to what it shows.
private struct Thing {
  let image: RasterImage
  private let ink: UInt8
  private var first = (row: 0, column: 0)
  private(set) var height: Int
  private(set) var width: Int

  init(_ image: RasterImage, ink: UInt8) {
    self.image = image
    self.ink = ink
    (height, width) = (image.height, image.width)
    let rows = (0..<image.height).filter { row in
      (0..<image.width).contains { isInk(row, $0) }
    }
    let columns = (0..<image.width).filter { column in
      (0..<image.height).contains { isInk($0, column) }
    }
    // An empty image is taken as it is.
    guard let top = rows.first, let bottom = rows.last, let left = columns.first,
      let right = columns.last
    else { return }
    first = (top, left)
    (height, width) = (bottom - top + 1, right - left + 1)
  }

  func pixel(_ row: Int, _ column: Int, _ channel: Int) -> UInt8 {
    let place = (first.row + row) * image.width + first.column + column
    return image.pixels[place * image.channels + channel]
  }

  func isInk(_ row: Int, _ column: Int) -> Bool {
    (0..<image.channels).contains { pixel(row, column, $0) >= ink }
  }
}
