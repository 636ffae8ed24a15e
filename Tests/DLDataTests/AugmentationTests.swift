import DLData
import DLTensor
import DLTestSupport
import Testing

/// Images of bytes that say their place, or of floats.
private final class PictureDataset: Dataset {
  let count = 24
  let inputShape: [Int]
  let inputType: DType
  let labelShape: [Int] = []
  let labelType = DType.int32
  let classCount: Int? = 24

  init(_ shape: [Int] = [5, 6, 3], type: DType = .uint8) {
    inputShape = shape
    inputType = type
  }

  func read(
    rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutableRawBufferPointer,
    labels: UnsafeMutableRawBufferPointer
  ) throws {
    for (index, row) in rows.enumerated() {
      for element in 0..<inputCount {
        let value = UInt8((element * 7 + row * 13) % 255 + 1)
        let place = index * inputCount + element
        if inputType == .uint8 {
          inputs[place] = value
        } else {
          inputs.storeBytes(of: Float(value), toByteOffset: 4 * place, as: Float.self)
        }
      }
      labels.storeBytes(of: Int32(row), toByteOffset: 4 * index, as: Int32.self)
    }
  }
}

/// Inverts some images, and adds a fraction that images of bytes round away.
private struct Invert: PixelChange {
  let probability: Double

  func apply(to pixels: inout [Float], shape: [Int], random: inout RandomStream) {
    #expect(pixels.count == shape.reduce(1, *))
    guard random.uniform() < probability else { return }
    for index in pixels.indices { pixels[index] = 255.25 - pixels[index] }
  }
}

/// Sets every pixel to one value.
private struct Fill: PixelChange {
  let value: Float

  func apply(to pixels: inout [Float], shape: [Int], random: inout RandomStream) {
    for index in pixels.indices { pixels[index] = value }
  }
}

@Suite struct AugmentationTests {
  /// What a change makes of every image, and the images.
  private func changed(
    _ changes: [Augmentation.Change], _ dataset: PictureDataset = PictureDataset(), seed: Int = 1,
    epoch: Int = 0, repeats: Int = 1, firstView: Int = 0, rows: [Int] = Array(0..<24)
  ) throws -> (before: [[UInt8]], after: [[UInt8]]) {
    let augmentation = try Augmentation(changes, of: dataset, seed: seed)
    let size = dataset.inputByteCount
    let (before, _) = try read(dataset, rows)
    var after = before
    var scratch = [UInt8](repeating: 0, count: size)
    try after.withUnsafeMutableBytes { after in
      try scratch.withUnsafeMutableBytes { scratch in
        try rows.withUnsafeBufferPointer {
          let pass = Augmentation.Pass(epoch: epoch, repeats: repeats, firstView: firstView)
          try augmentation.apply(to: after, rows: $0, in: pass, scratch: scratch)
        }
      }
    }
    func cut(_ bytes: [UInt8]) -> [[UInt8]] {
      rows.indices.map { Array(bytes[$0 * size..<($0 + 1) * size]) }
    }
    return (cut(before), cut(after))
  }

  /// A program's own change sees each image's pixels, and a stream that is the image's own.
  @Test func ownChangesComputePixels() throws {
    let invert = [Augmentation.Change.pixels(.init(Invert(probability: 0.5)))]
    let (before, after) = try changed(invert)
    var inverted = 0
    for (before, after) in zipped(before, after) where before != after {
      #expect(after == before.map { 255 - $0 })
      inverted += 1
    }
    #expect((4...20).contains(inverted))
    let part = try changed(invert, rows: [17, 3]).after
    #expect(part == [after[17], after[3]])
    #expect(try changed(invert, epoch: 1).after != after)
    for (value, byte) in [(Float(-3), UInt8(0)), (1e9, 255), (.nan, 0), (6.5, 7)] {
      let filled = try changed([.pixels(.init(Fill(value: value)))], rows: [2]).after
      #expect(filled == [[UInt8](repeating: byte, count: 90)])
    }
    let floats = PictureDataset([2, 3, 1], type: .float32)
    let always = [Augmentation.Change.pixels(.init(Invert(probability: 1)))]
    let (from, to) = try changed(always, floats, rows: [5])
    func values(_ bytes: [UInt8]) -> [Float] {
      bytes.withUnsafeBytes { raw in
        (0..<6).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
      }
    }
    #expect(values(to[0]) == values(from[0]).map { 255.25 - $0 })
    #expect(always != invert)
  }

  private func mirrored(_ image: [UInt8], _ shape: [Int], _ pixel: Int) -> [UInt8] {
    image.indices.map { index in
      let (row, rest) = index.quotientAndRemainder(dividingBy: shape[1] * pixel)
      let (x, byte) = rest.quotientAndRemainder(dividingBy: pixel)
      return image[(row * shape[1] + shape[1] - 1 - x) * pixel + byte]
    }
  }

  private func shifted(_ image: [UInt8], _ shape: [Int], _ pixel: Int, _ down: Int, _ right: Int)
    -> [UInt8]
  {
    image.indices.map { index in
      let (row, rest) = index.quotientAndRemainder(dividingBy: shape[1] * pixel)
      let (x, byte) = rest.quotientAndRemainder(dividingBy: pixel)
      let (fromRow, fromX) = (row + down, x + right)
      let isInside = (0..<shape[0]).contains(fromRow) && (0..<shape[1]).contains(fromX)
      return isInside ? image[(fromRow * shape[1] + fromX) * pixel + byte] : 0
    }
  }

  @Test(arguments: [DType.uint8, .float32], [[5, 6, 3], [4, 5, 1], [1, 1, 3]])
  func flipMirrorsSomeImages(type: DType, shape: [Int]) throws {
    let dataset = PictureDataset(shape, type: type)
    let (before, after) = try changed([.flip(probability: 0.5)], dataset)
    var flips = 0
    for (image, result) in compared(before, after) {
      let mirror = mirrored(image, shape, shape[2] * type.byteCount)
      #expect(result == image || result == mirror)
      flips += result == mirror ? 1 : 0
    }
    #expect(shape[1] == 1 || (4...20).contains(flips))
    #expect(try changed([.flip(probability: 0)], dataset).after == before)
    let all = try changed([.flip(probability: 1)], dataset).after
    #expect(all == before.map { mirrored($0, shape, shape[2] * type.byteCount) })
  }

  @Test(arguments: [0, 1, 4, 9]) func cropIsAWindowOfThePaddedImage(padding: Int) throws {
    let dataset = PictureDataset()
    let (before, after) = try changed([.padCrop(padding: padding)], dataset)
    var windows: Set<Int> = []
    for (image, result) in compared(before, after) {
      let found = (-padding...padding).flatMap { down in
        (-padding...padding).compactMap { right in
          shifted(image, dataset.inputShape, 3, down, right) == result ? down * 100 + right : nil
        }
      }
      #expect(!found.isEmpty)
      windows.formUnion(found.prefix(1))
    }
    #expect(padding == 0 ? windows == [0] : windows.count > 4)
  }

  /// The rows and columns of a padded image of 4, as the documentation of torchvision's `Pad` and
  /// `numpy.pad` show them; -1 is black.
  @Test(arguments: [
    (Augmentation.PaddingMode.constant, [-1, -1, -1, 0, 1, 2, 3, -1, -1, -1]),
    (.edge, [0, 0, 0, 0, 1, 2, 3, 3, 3, 3]),
    (.reflect, [3, 2, 1, 0, 1, 2, 3, 2, 1, 0]),
    (.symmetric, [2, 1, 0, 0, 1, 2, 3, 3, 2, 1]),
  ]) func paddingFollowsItsMode(mode: Augmentation.PaddingMode, places: [Int]) throws {
    for type in [DType.uint8, .float32] {
      let dataset = PictureDataset([4, 4, 2], type: type)
      let pixel = 2 * type.byteCount
      let (before, after) = try changed([.padCrop(padding: 3, mode: mode)], dataset)
      var windows: Set<[Int]> = []
      for (image, result) in compared(before, after) {
        let found = (0...6).flatMap { down in (0...6).map { [down, $0] } }.filter { corner in
          result.indices.allSatisfy { index in
            let (row, column) = (index / (4 * pixel), index / pixel % 4)
            let (y, x) = (places[corner[0] + row], places[corner[1] + column])
            let expected = y < 0 || x < 0 ? 0 : image[(y * 4 + x) * pixel + index % pixel]
            return result[index] == expected
          }
        }
        #expect(!found.isEmpty)
        windows.formUnion(found.prefix(1))
      }
      #expect(windows.count > 4)
    }
  }

  @Test func alternatingFlipShowsBothSidesInTwoEpochs() throws {
    let dataset = PictureDataset()
    let epochs = try (0..<4).map { try changed([.alternatingFlip], dataset, epoch: $0) }
    var flips = 0
    for (row, image) in epochs[0].before.enumerated() {
      let mirror = mirrored(image, dataset.inputShape, 3)
      let seen = epochs.map { $0.after[row] }
      #expect(seen == [image, mirror, image, mirror] || seen == [mirror, image, mirror, image])
      flips += seen[0] == mirror ? 1 : 0
    }
    #expect((4...20).contains(flips))
  }

  @Test func viewsOfAnImageDiffer() throws {
    let dataset = PictureDataset()
    let rows = (0..<48).map { $0 / 2 }
    let flips = try changed([.alternatingFlip], dataset, epoch: 3, repeats: 2, rows: rows)
    for row in 0..<24 {
      let image = flips.before[2 * row]
      let seen = Set([flips.after[2 * row], flips.after[2 * row + 1]])
      #expect(seen == [image, mirrored(image, dataset.inputShape, 3)])
    }
    // The first view is what the image gives alone; a share may begin at any view.
    let change = [Augmentation.Change.padCrop(padding: 3)]
    let crops = try changed(change, dataset, repeats: 2, rows: rows).after
    let alone = try changed(change, dataset).after
    #expect(stride(from: 0, to: 48, by: 2).map { crops[$0] } == alone)
    #expect((0..<24).count { crops[2 * $0] != crops[2 * $0 + 1] } > 12)
    let share = try changed(
      change, dataset, repeats: 2, firstView: 1, rows: Array(rows[7..<20])
    ).after
    #expect(share == Array(crops[7..<20]))
  }

  @Test func cutoutBlackensASquare() throws {
    let (before, after) = try changed([.cutout(size: 3)])
    for (image, result) in compared(before, after) {
      let black = stride(from: 0, to: image.count, by: 3).filter { result[$0] == 0 }.map { $0 / 3 }
      #expect((4...9).contains(black.count))
      let (rows, columns) = (Set(black.map { $0 / 6 }), Set(black.map { $0 % 6 }))
      #expect(rows.count * columns.count == black.count && rows.count <= 3 && columns.count <= 3)
      #expect(image.indices.allSatisfy { result[$0] == image[$0] || black.contains($0 / 3) })
    }
  }

  @Test func jitterScalesBytes() throws {
    let (before, after) = try changed([.brightness(strength: 0.5)])
    for (image, result) in compared(before, after) {
      // The factor shows best on the brightest byte that stayed below the limit.
      let place = image.indices.filter { result[$0] < 250 }.max { image[$0] < image[$1] } ?? 0
      let factor = Double(result[place]) / Double(image[place])
      #expect((0.45...1.55).contains(factor))
      #expect(
        compared(image, result).allSatisfy { abs(min(Double($0) * factor, 255) - Double($1)) < 3 })
    }
    #expect(try changed([.brightness(strength: 0), .contrast(strength: 0)]).after == before)
    let hard = try changed([.contrast(strength: 0.5)]).after
    for (image, result) in compared(before, hard) where image != result {
      func mean(_ bytes: [UInt8]) -> Double {
        Double(bytes.reduce(0) { $0 + Int($1) }) / Double(bytes.count)
      }
      #expect(abs(mean(image) - mean(result)) < 8)
    }
  }

  @Test func numbersDependOnSeedEpochAndSampleAlone() throws {
    let changes: [Augmentation.Change] = [.padCrop(padding: 2), .flip(probability: 0.5)]
    let all = try changed(changes).after
    #expect(try changed(changes, rows: [7, 3]).after == [all[7], all[3]])
    #expect(try changed(changes, epoch: 1).after != all)
    #expect(try changed(changes, seed: 2).after != all)
  }

  @Test(arguments: [1, 2, 3]) func everyNumberOfRanksLoadsTheSame(ranks: Int) throws {
    for type in [DType.uint8, .float32] {
      let dataset = PictureDataset(type: type)
      let augmentation = try Augmentation(
        [.padCrop(padding: 2), .flip(probability: 0.5)], of: dataset, seed: 5)
      let sampler = try Sampler(count: 24, batchSize: 10, accumulate: 2, seed: 3)
      let transform = try InputTransform(from: type, shape: dataset.inputShape)
      var seen: [Int: [[Float]]] = [:]
      for rank in 0..<ranks {
        let loader = try BatchLoader(
          dataset: dataset, sampler: sampler, sharding: BatchSharding(ranks: ranks), rank: rank,
          transform: transform, augmentation: augmentation, startStep: 1, endStep: 6)
        while let batch = try loader.next() {
          for part in batch.microBatches {
            let x = part.x.assumingMemoryBound(to: Float.self)
            for row in 0..<part.rows {
              let image = (0..<90).map { x[row * 90 + $0] }
              seen[part.sampleIndices[row] + 100 * batch.cursor.epoch, default: []].append(image)
            }
          }
        }
      }
      for (place, images) in seen {
        let (epoch, sample) = place.quotientAndRemainder(dividingBy: 100)
        let bytes = try changed(
          augmentation.changes, dataset, seed: 5, epoch: epoch, rows: [sample]
        ).after[0]
        let expected =
          type == .uint8 ? bytes.map { Float($0) / 255 } : values(bytes, as: Float.self)
        #expect(images == [expected])
      }
      #expect(seen.count == 14 + 24)
    }
  }

  @Test(arguments: Augmentation.PaddingMode.allCases)
  func imagesWithoutPixelsHaveNothingToPad(mode: Augmentation.PaddingMode) throws {
    let dataset = PictureDataset([0, 6, 3])
    _ = try Augmentation([.padCrop(padding: 0, mode: mode)], of: dataset, seed: 1)
    guard mode == .reflect || mode == .symmetric else { return }
    #expect(throws: DataError.self) {
      try Augmentation([.padCrop(padding: 1, mode: mode)], of: dataset, seed: 1)
    }
  }

  @Test func refusesWhatIsNoImage() {
    for dataset in [PictureDataset([30]), PictureDataset([5, 6, 3], type: .int32)] {
      #expect(throws: DataError.self) { try Augmentation([], of: dataset, seed: 1) }
    }
    let bad: [Augmentation.Change] = [
      .padCrop(padding: -1), .padCrop(padding: 5, mode: .reflect),
      .padCrop(padding: 6, mode: .symmetric), .flip(probability: 2), .flip(probability: .nan),
      .cutout(size: 0),
      .brightness(strength: 1.5), .contrast(strength: -1),
    ]
    for change in bad {
      #expect(throws: DataError.self) { try Augmentation([change], of: PictureDataset(), seed: 1) }
    }
    #expect(throws: DataError.self) {
      try Augmentation(
        [.contrast(strength: 0.1)], of: PictureDataset(type: .float32), seed: 1)
    }
  }
}
