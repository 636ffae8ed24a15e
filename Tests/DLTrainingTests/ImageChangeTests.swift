import DLCore
import DLFormats
import DLData
import DLTensor
import DLTestSupport
import DLTraining
import Testing

/// Changes of bytes, against torchvision's on PIL images (`scripts/golden/make_augmentations.py`).
@Suite struct ImageChangeTests {
  private func image(_ file: SafetensorsFile, _ name: String) throws -> RasterImage {
    let shape = try file.info(name).shape
    return try RasterImage(
      height: shape[0], width: shape[1], channels: shape[2], pixels: file.bytes(name))
  }

  private func numbers(_ wanted: JSON, _ key: String) throws -> [Int] {
    try wanted.get(key).integers()
  }

  /// What a case of the file asks for, of a picture.
  private func changed(_ image: RasterImage, _ wanted: JSON) throws -> [UInt8] {
    if wanted["change"]?.string == "fit" {
      let fit = ImageFit(
        size: try wanted.get("size").integer(), resize: try wanted.get("resize").integer(),
        channels: image.channels)
      var pixels = [UInt8](repeating: 7, count: fit.shape.reduce(1, *))
      try pixels.withUnsafeMutableBufferPointer {
        try fit.write(image, window: nil, to: #require($0.baseAddress))
      }
      return pixels
    }
    var pixels = image.pixels
    var scratch = [UInt8](repeating: 7, count: pixels.count)
    try pixels.withUnsafeMutableBufferPointer { pixels in
      try scratch.withUnsafeMutableBufferPointer { scratch in
        try change(
          PixelBuffer(
            #require(pixels.baseAddress), height: image.height, width: image.width,
            channels: image.channels), wanted, scratch: #require(scratch.baseAddress))
      }
    }
    return pixels
  }

  private func change(
    _ image: PixelBuffer, _ wanted: JSON, scratch: UnsafeMutablePointer<UInt8>
  ) throws {
    func value() throws -> Double { try wanted.get("value").number() }
    switch try wanted.get("change").text() {
    case "brightness": image.adjustBrightness(try value())
    case "contrast": image.adjustContrast(try value())
    case "saturation": image.adjustSaturation(try value())
    case "sharpness": image.adjustSharpness(try value(), scratch: scratch)
    case "hue": image.adjustHue(try value())
    case "rotation": image.rotate(degrees: try value(), scratch: scratch)
    case "window":
      let place = try numbers(wanted, "window")
      let window = PixelWindow(top: place[0], left: place[1], height: place[2], width: place[3])
      #expect(image.enlarge(window, scratch: scratch))
    case "rand_augment":
      var isNegative = false
      if case .bool(true)? = wanted["negative"] { isNegative = true }
      let operation = RandAugment.Operation(rawValue: try wanted.get("operation").integer())
      RandAugment.apply(
        try #require(operation), try wanted.get("magnitude").integer(),
        isNegative: isNegative, to: image, scratch: scratch)
    case let other: Issue.record("no change \(other)")
    }
  }

  @Test func bytesAreThoseOfTorchvision() throws {
    let file = try SafetensorsFile(path: golden("augmentations.safetensors"))
    var changes: Set<String> = []
    for (name, text) in file.metadata {
      let kind = name.hasPrefix("gray") ? "gray" : "color"
      let made = try changed(image(file, "\(kind)/in"), JSON(parsing: text, file: name))
      let expected = try file.bytes(name)
      let furthest = zipped(made, expected).map { abs(Int($0) - Int($1)) }.max() ?? 0
      // torchvision has the strength of a shear in float32 and takes its tangent: a byte whose exact
      // value is whole is cut off to the one below.
      let isShear = name.contains("rand_augment-1-") || name.contains("rand_augment-2-")
      #expect(furthest <= (isShear ? 1 : 0), "\(name)")
      let different = zipped(made, expected).count { $0 != $1 }
      #expect(different <= (isShear ? made.count / 20 : 0), "\(name): \(different)")
      changes.insert(String(name.split(separator: "/")[1].split(separator: "-")[0]))
    }
    #expect(file.metadata.count > 100 && changes.count == 9)
  }

  /// A window has torchvision's share and ratio, lies within the image, and reaches all of it.
  @Test func windowsKeepShareAndRatio() {
    var stream = RandomStream(RandomKey(3))
    let rule = RandomWindow(scale: [0.2, 0.6], ratio: [0.5, 2])
    var (top, bottom, shares, wide) = (false, false, [Double](), 0)
    for _ in 0..<2000 {
      let window = rule.draw(height: 60, width: 80, &stream)
      #expect(window.isWithin(height: 60, width: 80))
      let ratio = Double(window.width) / Double(window.height)
      #expect(ratio > 0.47 && ratio < 2.12)
      shares.append(Double(window.width * window.height) / 4800)
      wide += ratio > 1 ? 1 : 0
      top = top || window.top == 0
      bottom = bottom || window.top + window.height == 60
    }
    #expect(top && bottom && (850...1250).contains(wide))
    #expect(shares.min() ?? 0 > 0.18 && shares.max() ?? 1 < 0.63)
    let mean = shares.reduce(0, +) / 2000
    #expect(abs(mean - 0.4) < 0.02)
    // Where none fits, the middle of an image that is too wide or too high.
    #expect(
      RandomWindow().draw(height: 2, width: 100, &stream)
        == PixelWindow(top: 0, left: 48, height: 2, width: 3))
    #expect(
      RandomWindow().draw(height: 100, width: 3, &stream)
        == PixelWindow(top: 48, left: 0, height: 4, width: 3))
  }

  /// Each change of a list draws from the image's own stream, and a jitter without strength is none.
  @Test func jitterOfNothingIsNothing() throws {
    let file = try SafetensorsFile(path: golden("augmentations.safetensors"))
    let picture = try image(file, "color/in")
    var jitter = ColorJitter()
    (jitter.brightness, jitter.contrast, jitter.saturation) = (0, 0, 0)
    func run(_ change: some ImageChange, _ key: Int) throws -> [UInt8] {
      var pixels = picture.pixels
      var scratch = pixels
      var stream = RandomStream(RandomKey(key))
      try pixels.withUnsafeMutableBufferPointer { pixels in
        try scratch.withUnsafeMutableBufferPointer { scratch in
          let buffer = PixelBuffer(
            try #require(pixels.baseAddress), height: picture.height, width: picture.width,
            channels: 3)
          change.apply(
            to: buffer, scratch: try #require(scratch.baseAddress), random: &stream)
        }
      }
      return pixels
    }
    #expect(try run(jitter, 1) == picture.pixels)
    for change in [ColorJitter() as any ImageChange, Rotation(), RandAugment()] {
      #expect(try run(change, 1) == run(change, 1))
      #expect(Set(try (0..<8).map { try run(change, $0) }).count > 4)
    }
  }
}
