import DLCore
import DLFormats

/// Turns tar shards of images, as WebDataset has them, into data set files.
package struct TarPacker {
  /// The height and width that every image is brought to; nil: all must have the first one's.
  package var size: (height: Int, width: Int)?
  /// 1 (gray) or 3 (color); nil: as the first image has it.
  package var channels: Int?
  /// The parts that images are divided into.
  package var split = SplitPlan()
  /// Told now and then: the part, its images done, and all of them.
  package var progress: (_ part: String, _ done: Int, _ count: Int) -> Void = { _, _, _ in }
  /// Told what is worth knowing.
  package var notice: (String) -> Void = { _ in }

  /// Makes a packer.
  package init() {}

  /// Packs the images `KEY.jpg` (`.jpeg`, `.png`) of shards, with their classes `KEY.cls`, into
  /// `train.safetensors` and so on in the folder `output`: x U8 `[N, height, width, channels]`, y I32
  /// `[N]`, in the order of the shards.
  ///
  /// Classes are numbers where all are, else names, which are sorted. Shards are read in sequence,
  /// once for the classes and once for each part.
  ///
  /// - Throws: `FormatError` naming shard and member, `DataError`.
  package func pack(_ names: [String], output: String) throws -> [PackedFile] {
    var settings = ImagePacker()
    (settings.size, settings.channels) = (size, channels)
    try settings.check()
    let shards = try names.flatMap { try DataFiles.list($0) }
    let images = try ShardImages(shards)
    notice("\(counted(images.paths.count, "image")) in \(counted(shards.count, "shard"))")
    let (labels, classes) = try Self.numbers(images.labels, source: shards[0])
    let reader = try PixelReader(images, settings: settings)
    try reader.begin(with: 0)
    let rows = try RowSplit(count: labels.count, split, labels: labels, source: shards[0])
    let target = try PackOutput(output, parts: rows.sets.joined().count, canBeOne: true)
    var metadata = [
      "source": "tar shards", "classes": String(classes?.count ?? Int(labels.max() ?? 0) + 1),
    ]
    metadata[ClassNames.key] = classes.map { ClassNames($0).text }
    return try rows.sets.joined().map { part in
      let chosen = rows.rows(of: part)
      let shape = [chosen.count] + reader.shape
      let x = SafetensorsTensor(name: "x", dtype: .uint8, shape: shape) { sink in
        for (done, row) in chosen.enumerated() {
          try reader.pixels(row).withUnsafeBytes { try sink($0) }
          if done % 64 == 63 { progress(part.name, done + 1, chosen.count) }
        }
      }
      let path = target.path(part.name)
      try PackedFile.write(
        [x, .values("y", chosen.map { labels[$0] })], metadata: metadata, to: path)
      return PackedFile(path: path, shape: shape)
    }
  }

  /// The classes as they are where all are numbers, else numbered by their sorted names.
  private static func numbers(_ texts: [String], source: String) throws
    -> (labels: [Int32], names: [String]?)
  {
    let numbers = texts.map { Int32($0) }
    if numbers.allSatisfy({ (0..<1 << 24).contains($0 ?? -1) }) {
      return (numbers.compactMap { $0 }, nil)
    }
    let names = TableColumn.sorted(texts)
    return (
      try PackLike.numbers(of: texts, among: names, of: source, source: source), names
    )
  }
}
