import DLCore
import DLFormats

/// Turns folders or archives of JPEG and PNG files into data set files.
package struct ImagePacker {
  /// The height and width that every image is brought to; nil: all must have the first one's.
  package var size: (height: Int, width: Int)?
  /// 1 (gray) or 3 (color); nil: as the first image by its name has it, and gray is turned into
  /// color.
  package var channels: Int?
  /// True if the files are kept as they are, of any size, to be decoded while they are loaded.
  package var keepsEncoded = false
  /// A data set file by whose class names images are numbered, and whose shape they must have; nil
  /// for numbers and a shape of their own.
  package var like: String?
  /// The parts that images `CLASS/FILE`, or those of the part `train`, are divided into; nil for
  /// the parts that they have.
  package var split: SplitPlan?
  /// Told now and then: the split, its images done, and all of them.
  package var progress: (_ split: String, _ done: Int, _ count: Int) -> Void = { _, _, _ in }

  /// Told what is worth knowing, such as files that are no images.
  package var notice: (String) -> Void = { _ in }

  /// Makes a packer that takes images as they are.
  package init() {}

  /// Packs the images below the folder `source`, or in the .tar or .tar.gz `source`, into
  /// `SPLIT.safetensors` in the folder `output`: x U8 `[N, height, width, channels]`, y I32 `[N]`,
  /// sorted by class and file name.
  ///
  /// Images `CLASS/FILE` make `images.safetensors`, or the parts that
  /// ``split`` asks for.
  ///
  /// The classes, sorted, are those of all splits; metadata `classes` counts and `class_names`
  /// (JSON) names them.
  ///
  /// - Throws: `FormatError` naming the image at fault, and `DataError` for settings out of range.
  package func pack(_ source: String, output: String) throws -> [PackedFile] {
    try check()
    let images: any ImageSource =
      File.isFolder(source) ? try ImageFolder(path: source) : try ImageArchive(path: source)
    let listing = try ImageListing(images, path: source)
    if let first = images.passedOver.first {
      notice(
        "\(source): \(images.passedOver.count) file(s) are no images and are left out: \(first)")
    }
    let like = try like.map { try PackLike($0) }
    let (names, labels) =
      try keepsEncoded
      ? like?.numbersOfClasses(listing.classes, source: source)
        ?? (listing.classes, listing.classes.indices.map { Int32($0) })
      : like?.numbers(of: listing.classes, source: source)
        ?? (listing.classes, listing.classes.indices.map { Int32($0) })
    if keepsEncoded {
      let splits = try parted(listing.splits, labels, source: source)
      let target = try PackOutput(output, parts: splits.count, canBeOne: listing.splits.count == 1)
      return try splits.map { split in
        let path = target.path(split.name)
        try writeEncoded(split, labels, classes: names, images, to: path)
        return PackedFile(path: path, shape: [split.images.count])
      }
    }
    var settings = self
    if settings.channels == nil { settings.channels = try like?.images().shape[2] }
    let reader = try PixelReader(images, settings: settings)
    // The first image decides the shape of all splits.
    try reader.begin(with: listing.first)
    if let like, let shape = try? like.images().shape, shape != reader.shape {
      throw FormatError(
        .content, file: source, "has images of \(reader.shape), \(like.path) of \(shape)",
        advice: "bring them to one size by \(OptionName.size) \(shape[0])x\(shape[1])")
    }
    let splits = try parted(listing.splits, labels, source: source)
    let target = try PackOutput(output, parts: splits.count, canBeOne: listing.splits.count == 1)
    return try splits.map { split in
      let path = target.path(split.name)
      let shape = [split.images.count] + reader.shape
      try write(split, labels, shape: shape, classes: names, reader, to: path)
      return PackedFile(path: path, shape: shape)
    }
  }

  /// Checks size and channels.
  ///
  /// - Throws: `DataError`.
  func check() throws {
    if let size, !(1...16384).contains(size.height) || !(1...16384).contains(size.width) {
      throw DataError("size: \(size.height)x\(size.width) is out of range, give 1 to 16384")
    }
    if let channels, channels != 1, channels != 3 {
      throw DataError("channels: \(channels) is neither 1 (gray) nor 3 (color)")
    }
    guard !keepsEncoded || size == nil && channels == nil else {
      throw DataError(
        "\(OptionName.keepEncoded): images keep their size and color, which data.images of the job "
          + "decides; leave \(OptionName.size) and \(OptionName.channels) out")
    }
  }

  /// The images in the parts that are asked for: those that have no parts yet, or those of `train`,
  /// beside which the others stay.
  private func parted(_ splits: [ImageListing.Split], _ labels: [Int32], source: String) throws
    -> [ImageListing.Split]
  {
    guard let split else { return splits }
    guard like == nil else {
      throw DataError("split: \(source) is packed like another, as one part; leave it out")
    }
    let isUnparted = splits.count == 1 && splits[0].name.hasScalars(of: ImageListing.unparted)
    guard
      let place = isUnparted ? 0 : splits.firstIndex(where: { $0.name.hasScalars(of: "train") })
    else {
      throw DataError(
        "split: \(source) has its parts already, and none is named train; leave it out")
    }
    let images = splits[place].images
    let parts = try RowSplit(
      count: images.count, split, labels: images.map { labels[Int($0.label)] }, source: source)
    let made = parts.sets.joined().map { part in
      ImageListing.Split(name: part.name, images: parts.rows(of: part).map { images[$0] })
    }
    let others = splits.indices.filter { $0 != place }.map { splits[$0] }
    if let twice = others.first(where: { other in
      made.contains { $0.name.hasScalars(of: other.name) }
    }) {
      throw DataError(
        "split: \(source) has a part \(twice.name) already; leave it out, or give shares that make "
          + "none")
    }
    return made + others
  }

  private func write(
    _ split: ImageListing.Split, _ numbers: [Int32], shape: [Int], classes: [String],
    _ reader: PixelReader, to path: String
  ) throws {
    let x = SafetensorsTensor(name: "x", dtype: .uint8, shape: shape) { sink in
      var pending: [UInt8] = []
      for (index, image) in split.images.enumerated() {
        pending += try reader.pixels(image.source)
        if pending.count >= 1 << 20 || index == split.images.count - 1 {
          try pending.withUnsafeBytes { try sink($0) }
          pending.removeAll(keepingCapacity: true)
          progress(split.name, index + 1, split.images.count)
        }
      }
    }
    let labels = split.images.map { numbers[Int($0.label)] }
    let y = SafetensorsTensor(name: "y", dtype: .int32, shape: [labels.count]) { sink in
      try labels.withUnsafeBytes { try sink($0) }
    }
    try PackedFile.write(
      [x, y],
      metadata: [
        "source": "image files", "classes": String(classes.count),
        ClassNames.key: ClassNames(classes).text,
      ], to: path)
  }
}

/// Decoded images of one shape.
final class PixelReader {
  private let source: any ImageSource
  private let settings: ImagePacker
  private let decoder: ImageDecoder
  private(set) var shape: [Int] = []

  init(_ source: any ImageSource, settings: ImagePacker) throws {
    self.source = source
    self.settings = settings
    decoder = try ImageDecoder()
  }

  func begin(with index: Int) throws {
    let image = try decoder.decode(source.peek(index), name: source.name(index))
    shape = [
      settings.size?.height ?? image.height, settings.size?.width ?? image.width,
      settings.channels ?? image.channels,
    ]
  }

  func pixels(_ index: Int) throws -> [UInt8] {
    var image = try decoder.decode(source.bytes(index), name: source.name(index))
    if shape[2] != image.channels {
      guard shape[2] == 3 || settings.channels != nil else {
        throw FormatError(
          .content, file: source.name(index), "is in color, the first image is gray",
          advice: "give \(OptionName.channels) 3, or 1 to turn all into gray")
      }
      image = try image.converted(channels: shape[2])
    }
    if image.height != shape[0] || image.width != shape[1] {
      guard settings.size != nil else {
        throw FormatError(
          .content, file: source.name(index),
          "has \(image.height) x \(image.width) pixels, the first image \(shape[0]) x \(shape[1])",
          advice: "give \(OptionName.size) HEIGHTxWIDTH to bring all to one size")
      }
      image = try image.resized(height: shape[0], width: shape[1])
    }
    return image.pixels
  }
}
