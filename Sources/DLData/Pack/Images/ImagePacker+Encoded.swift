import DLCore
import DLFormats

// Images kept as the files that they are, which are decoded while they are loaded.
extension ImagePacker {
  /// Writes the files of a split one after another: `images` U8 [bytes], `offsets` I64 [N + 1], `y`
  /// I32 [N].
  ///
  /// Each is decoded once, so that a damaged one is named now and not in the middle of a run.
  func writeEncoded(
    _ split: ImageListing.Split, _ numbers: [Int32], classes: [String], _ images: any ImageSource,
    to path: String
  ) throws {
    var offsets: [Int64] = [0]
    for image in split.images {
      offsets.append(offsets[offsets.count - 1] + Int64(try images.byteCount(image.source)))
    }
    let total = Int(offsets[offsets.count - 1])
    let decoder = try ImageDecoder()
    let bytes = SafetensorsTensor(
      name: StoredImages.bytesKey, dtype: .uint8, shape: [total]
    ) { sink in
      for (index, image) in split.images.enumerated() {
        let content = try images.bytes(image.source)
        guard content.count == Int(offsets[index + 1] - offsets[index]) else {
          throw FormatError(
            .content, file: images.name(image.source), "changed while it was read",
            advice: "wait until it is complete")
        }
        _ = try decoder.decode(content, name: images.name(image.source))
        try content.withUnsafeBytes { try sink($0) }
        progress(split.name, index + 1, split.images.count)
      }
    }
    let places = SafetensorsTensor(
      name: StoredImages.offsetsKey, dtype: .int64, shape: [offsets.count]
    ) { sink in
      try offsets.withUnsafeBytes { try sink($0) }
    }
    let labels = split.images.map { numbers[Int($0.label)] }
    try PackedFile.write(
      [bytes, places, .values("y", labels)],
      metadata: [
        "source": "encoded image files", "classes": String(classes.count),
        ClassNames.key: ClassNames(classes).text,
      ], to: path)
  }
}
