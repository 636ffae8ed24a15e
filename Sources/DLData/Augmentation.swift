import DLCore
import DLFormats
import DLTensor

/// Random changes of images `[height, width, channels]` while training, before normalization.
///
/// The numbers drawn for an image depend on the seed, the epoch, the sample and which of its views
/// it is alone, so every number of ranks sees the same images, and so does a run that was
/// interrupted.
public struct Augmentation: Sendable, Hashable {
  /// One change.
  public enum Change: Sendable, Hashable {
    /// Pads each side with `padding` pixels and takes a window of the image's own size at a random
    /// place (He et al. 2016, section 4.2). Counterpart: `RandomCrop(size, padding, padding_mode)`.
    case padCrop(padding: Int, mode: PaddingMode = .constant)
    /// Mirrors left and right with a probability. Counterpart: `RandomHorizontalFlip`.
    case flip(probability: Double)
    /// Mirrors half of the images in one epoch and the other half in the next, so that two epochs
    /// show each image both ways (Jordan 2024, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU",
    /// section 3.6); the views of an image within an epoch take turns likewise.
    case alternatingFlip
    /// Blackens a square around a random pixel, cut off at the border (DeVries and Taylor 2017).
    case cutout(size: Int)
    /// Multiplies by a number of 1 - strength ..< 1 + strength. Counterpart: `ColorJitter`.
    case brightness(strength: Double)
    /// Multiplies the distance from the image's mean by a number of 1 - strength ..< 1 + strength.
    case contrast(strength: Double)
    /// Takes a window at a random place and brings it to the image's size; of images that are stored
    /// in sizes of their own it is a window of these. Counterpart: `RandomResizedCrop`.
    case randomResizedCrop(RandomWindow)
    /// Changes bytes in place, by a type that says how.
    case bytes(AnyImageChange)
    /// Computes the pixels by a type of a program's own.
    case pixels(AnyPixelChange)
  }

  /// The views of images that are asked for: row i is view (firstView + i) mod repeats of its
  /// image.
  package struct Pass: Sendable, Hashable {
    /// The epoch, counted from 0.
    package var epoch: Int
    /// Views of each image in an epoch, in rows one after the other.
    package var repeats = 1
    /// The view of the first row, counted from 0.
    package var firstView = 0

    /// The place of the first row in the epoch, where an image may be drawn several times in one: it is
    /// changed otherwise each time, by its place.
    package var firstPlace: Int?

    /// The view of a row.
    func view(_ index: Int) -> Int { (firstView + index) % repeats }

    /// The number that the changes of a row depend on.
    func number(_ row: Int, at index: Int) -> Int {
      firstPlace.map { ($0 + index) / repeats } ?? row
    }

    /// Makes the pass of an epoch.
    package init(epoch: Int, repeats: Int = 1, firstView: Int = 0, firstPlace: Int? = nil) {
      self.epoch = epoch
      self.repeats = repeats
      self.firstView = firstView
      self.firstPlace = firstPlace
    }
  }

  /// The changes, in their order.
  package let changes: [Change]

  /// The window that images of sizes of their own are read by.
  private let window: RandomWindow?

  private let key: RandomKey
  private let shape: [Int]
  private let type: DType

  /// Makes the changes of the inputs of a data set.
  ///
  /// - Throws: `DataError` where these are no images, or a number is out of range.
  package init(_ changes: [Change], of dataset: any Dataset, seed: Int) throws {
    shape = dataset.inputShape
    type = dataset.inputType
    guard shape.count == 3, type == .uint8 || type == .float32 else {
      throw DataError(
        "augment: rows of \(type) \(shape) are no images [height, width, channels], remove it")
    }
    let isPicture = shape.allSatisfy { $0 > 0 } && [1, 3].contains(shape[2])
    let isWindowed = (dataset as? any WindowedDataset)?.hasWindows ?? false
    for change in changes {
      switch change {
      case .padCrop(let padding, let mode)
      where !(0...mode.limit(shape[0], shape[1])).contains(padding):
        throw DataError(
          "augment: pad_crop: padding \(padding) is out of range, give 0 to "
            + "\(mode.limit(shape[0], shape[1]))")
      case .flip(let probability) where !(0...1).contains(probability):
        throw DataError("augment: flip: probability \(probability) is out of range, give 0 to 1")
      case .cutout(let size) where !(1...4096).contains(size):
        throw DataError("augment: cutout: size \(size) is out of range, give 1 to 4096")
      case .brightness(let strength) where !(0...1).contains(strength),
        .contrast(let strength) where !(0...1).contains(strength):
        throw DataError("augment: strength \(strength) is out of range, give 0 to 1")
      case .brightness where type != .uint8, .contrast where type != .uint8:
        throw DataError(
          "augment: brightness and contrast change images of bytes, the data set has \(type)")
      case .randomResizedCrop(let window) where !window.isValid:
        throw DataError(
          "augment: random_resized_crop: scale \(window.scale) and ratio \(window.ratio) are no ranges,"
            + " give the least and the greatest: shares in 0 to 1, ratios in 0.001 to 1000")
      case .randomResizedCrop where type != .uint8 || !isPicture,
        .bytes where type != .uint8 || !isPicture:
        throw DataError(
          "augment: this change is of images of bytes, gray or color; the data set has \(type) "
            + "\(shape)")
      case .randomResizedCrop where isWindowed && change != changes[0]:
        throw DataError(
          "augment: random_resized_crop takes a window of images of any size, put it first")
      default: break
      }
    }
    if isWindowed, case .randomResizedCrop(let first)? = changes.first {
      window = first
    } else {
      window = nil
    }
    self.changes = changes
    key = RandomKey(seed).child("augment")
  }

  func fits(_ dataset: any Dataset) -> Bool {
    dataset.inputShape == shape && dataset.inputType == type
  }

  /// Reads rows of the data set and changes them; `scratch` has room for one image.
  ///
  /// - Throws: what the data set throws; `FormatError` where there is no memory.
  package func read(
    _ rows: UnsafeBufferPointer<Int>, of dataset: any Dataset, in pass: Pass,
    inputs: UnsafeMutableRawBufferPointer, labels: UnsafeMutableRawBufferPointer,
    scratch: UnsafeMutableRawBufferPointer
  ) throws {
    if let window, let dataset = dataset as? any WindowedDataset {
      let key = key.child(pass.epoch)
      try dataset.read(rows: rows, inputs: inputs, labels: labels) { index, height, width in
        var stream = RandomStream(
          windowKey(key, pass.number(rows[index], at: index), pass.view(index)))
        return window.draw(height: height, width: width, &stream)
      }
    } else {
      try dataset.read(rows: rows, inputs: inputs, labels: labels)
    }
    try apply(to: inputs, rows: rows, in: pass, scratch: scratch)
  }

  /// The key of a view of an image.
  private func imageKey(_ epoch: RandomKey, _ row: Int, _ view: Int) -> RandomKey {
    view == 0 ? epoch.child(row) : epoch.child(row).child(view)
  }

  /// The key of its window, which draws another number of numbers for each image.
  private func windowKey(_ epoch: RandomKey, _ row: Int, _ view: Int) -> RandomKey {
    imageKey(epoch, row, view).child("window")
  }

  /// Changes images in place: `rows` are their numbers in the data set, `scratch` has room for one.
  ///
  /// - Throws: `FormatError` where there is no memory.
  package func apply(
    to images: UnsafeMutableRawBufferPointer, rows: UnsafeBufferPointer<Int>, in pass: Pass,
    scratch: UnsafeMutableRawBufferPointer
  ) throws {
    let pixel = shape[2] * type.byteCount
    let size = shape[0] * shape[1] * pixel
    precondition(images.count == rows.count * size && scratch.count >= size)
    guard !rows.isEmpty, let base = images.baseAddress, let scratch = scratch.baseAddress else {
      return
    }
    let (key, lasting) = (key.child(pass.epoch), key.child("every epoch"))
    for (index, sample) in rows.enumerated() {
      let (row, view) = (pass.number(sample, at: index), pass.view(index))
      var stream = RandomStream(imageKey(key, row, view))
      let image = ImageBytes(
        base: base + index * size, height: shape[0], width: shape[1], pixel: pixel)
      // The first window has been taken while the images were read.
      for change in changes.dropFirst(window == nil ? 0 : 1) {
        switch change {
        case .randomResizedCrop(let window):
          var stream = RandomStream(windowKey(key, row, view))
          let place = window.draw(height: shape[0], width: shape[1], &stream)
          guard image.bytes(shape[2]).enlarge(place, scratch: scratch.asBytes) else {
            throw FormatError(
              .io, file: "image", "no memory to bring it to another size",
              advice: "free some memory")
          }
        case .bytes(let change):
          change.base.apply(
            to: image.bytes(shape[2]), scratch: scratch.asBytes, random: &stream)
        case .padCrop(let padding, let mode):
          let down = stream.upTo(2 * padding + 1) - padding
          let right = stream.upTo(2 * padding + 1) - padding
          image.shift(down: down, right: right, mode: mode, scratch: scratch)
        case .flip(let probability):
          if stream.uniform() < probability { image.mirror() }
        case .alternatingFlip:
          var first = RandomStream(lasting.child(row))
          let turn = pass.epoch * pass.repeats + view
          if (first.uniform() < 0.5) == turn.isMultiple(of: 2) { image.mirror() }
        case .cutout(let size):
          let y = stream.upTo(shape[0])
          let x = stream.upTo(shape[1])
          image.blacken(top: y - size / 2, left: x - size / 2, size: size)
        case .brightness(let strength):
          image.scale(by: stream.uniform(in: 1 - strength..<1 + max(strength, 0x1p-40)), about: 0)
        case .contrast(let strength):
          image.scale(
            by: stream.uniform(in: 1 - strength..<1 + max(strength, 0x1p-40)), about: image.mean)
        case .pixels(let change):
          change.apply(
            to: .init(start: image.base, count: size), ofBytes: type == .uint8, shape: shape,
            random: &stream)
        }
      }
    }
  }
}

/// One image's memory.
private struct ImageBytes {
  let base: UnsafeMutableRawPointer
  let height: Int
  let width: Int
  let pixel: Int

  private var rowBytes: Int { width * pixel }

  /// The same memory as bytes of so many channels.
  func bytes(_ channels: Int) -> PixelBuffer {
    PixelBuffer(base.asBytes, height: height, width: width, channels: channels)
  }

  /// The window whose corner lies `down` rows and `right` columns away.
  func shift(
    down: Int, right: Int, mode: Augmentation.PaddingMode, scratch: UnsafeMutableRawPointer
  ) {
    if down == 0, right == 0 { return }
    scratch.copyMemory(from: base, byteCount: height * rowBytes)
    let first = min(max(0, -right), width)
    let inside = first..<max(first, min(width, width - right))
    for y in 0..<height {
      let target = base + y * rowBytes
      guard let from = mode.source(of: y + down, size: height) else {
        target.initializeMemory(as: UInt8.self, repeating: 0, count: rowBytes)
        continue
      }
      let source = scratch + from * rowBytes
      (target + first * pixel).copyMemory(
        from: source + (first + right) * pixel, byteCount: inside.count * pixel)
      for x in 0..<width where !inside.contains(x) {
        if let from = mode.source(of: x + right, size: width) {
          (target + x * pixel).copyMemory(from: source + from * pixel, byteCount: pixel)
        } else {
          (target + x * pixel).initializeMemory(as: UInt8.self, repeating: 0, count: pixel)
        }
      }
    }
  }

  /// Swaps left and right.
  func mirror() {
    let bytes = base.assumingMemoryBound(to: UInt8.self)
    for y in 0..<height {
      var left = bytes + y * rowBytes
      var right = left + rowBytes - pixel
      while left < right {
        for byte in 0..<pixel {
          let value = left[byte]
          left[byte] = right[byte]
          right[byte] = value
        }
        left += pixel
        right -= pixel
      }
    }
  }

  func blacken(top: Int, left: Int, size: Int) {
    let columns = max(left, 0)..<min(left + size, width)
    for y in max(top, 0)..<min(top + size, height) {
      (base + y * rowBytes + columns.lowerBound * pixel).initializeMemory(
        as: UInt8.self, repeating: 0, count: columns.count * pixel)
    }
  }

  /// The mean of all bytes.
  var mean: Double {
    let bytes = base.assumingMemoryBound(to: UInt8.self)
    let count = height * rowBytes
    var sum = 0
    for index in 0..<count { sum &+= Int(bytes[index]) }
    return Double(sum) / Double(count)
  }

  /// `center + factor * (x - center)` of bytes, rounded and kept within them.
  func scale(by factor: Double, about center: Double) {
    let bytes = base.assumingMemoryBound(to: UInt8.self)
    let scale = Float(factor)
    let shift = Float(center * (1 - factor)) + 0.5
    for index in 0..<height * rowBytes {
      bytes[index] = UInt8(min(max(Float(bytes[index]) * scale + shift, 0), 255))
    }
  }
}

extension UnsafeMutableRawPointer {
  fileprivate var asBytes: UnsafeMutablePointer<UInt8> { assumingMemoryBound(to: UInt8.self) }
}
