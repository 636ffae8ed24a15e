import DLCore
import DLFormats
import DLTestSupport
import Foundation
import Testing

@Suite struct ImageTests {
  let folder = TemporaryFolder()

  private func pixels(_ name: String) throws -> (shape: [Int], bytes: [UInt8]) {
    let file = try SafetensorsFile(path: golden("images/pixels.safetensors"))
    return (try file.info(name).shape, try file.bytes(name))
  }

  private func decode(_ name: String) throws -> RasterImage {
    try ImageDecoder().decode(File.contents(of: golden("images/\(name)")), name: name)
  }

  private func shape(_ image: RasterImage) -> [Int] { [image.height, image.width, image.channels] }

  @Test(arguments: [
    "420.jpg", "444.jpg", "progressive.jpg", "gray.jpg", "color.png", "gray.png", "alpha.png",
    "gray-alpha.png", "palette.png", "bits.png", "deep.png",
  ])
  func decodesAsPillowDoes(_ name: String) throws {
    let image = try decode(name)
    let expected = try pixels(name)
    #expect(shape(image) == expected.shape)
    #expect(image.pixels == expected.bytes)
  }

  @Test(arguments: [[8, 8], [13, 5], [30, 17], [1, 9]])
  func resizesAsPillowDoes(_ size: [Int]) throws {
    let image = try decode("color.png").resized(height: size[0], width: size[1])
    #expect(try image.pixels == pixels("resize/\(size[0])x\(size[1])").bytes)
  }

  @Test func grayIsPillowsLuma() throws {
    let gray = try decode("color.png").converted(channels: 1)
    #expect(try gray.pixels == pixels("luma").bytes)
    let color = try gray.converted(channels: 3)
    #expect(color.pixels.enumerated().allSatisfy { gray.pixels[$0 / 3] == $1 })
  }

  @Test(arguments: ["420.jpg", "progressive.jpg", "gray.jpg", "color.png", "bits.png"])
  func everyCutIsAnErrorNamingTheFile(_ name: String) throws {
    let bytes = try File.contents(of: golden("images/\(name)"))
    let decoder = try ImageDecoder()
    for count in 0..<bytes.count {
      // The last bytes may be padding or a marker that says nothing.
      if count > bytes.count - 16 { break }
      let error = try formatError { _ = try decoder.decode(Array(bytes[..<count]), name: "it") }
      #expect(error?.file == "it", "\(count) of \(bytes.count)")
    }
  }

  @Test(arguments: ["420.jpg", "progressive.jpg", "color.png", "palette.png"])
  func damageIsAnErrorOrAPicture(_ name: String) throws {
    let bytes = try File.contents(of: golden("images/\(name)"))
    let decoder = try ImageDecoder()
    for place in bytes.indices {
      for value: UInt8 in [0, 0xff, bytes[place] ^ 0x10] {
        var bytes = bytes
        bytes[place] = value
        _ = try formatError { _ = try decoder.decode(bytes, name: "it") }
      }
    }
  }

  @Test func hugeSizesAreRefusedBeforeMemoryIsAskedFor() throws {
    // A PNG header of 60000 x 60000, a JPEG one of 65500 x 65500.
    var png = try File.contents(of: golden("images/gray.png"))
    png.replaceSubrange(16..<24, with: [0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60])
    let check = CRC32Reference.of(Array(png[12..<29]))
    png.replaceSubrange(29..<33, with: (0..<4).map { UInt8(check >> (24 - 8 * $0) & 0xff) })
    var jpeg = try File.contents(of: golden("images/gray.jpg"))
    let frame = try #require(jpeg.indices.first { jpeg[$0] == 0xff && jpeg[$0 + 1] == 0xc0 })
    jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0xff, 0xdc, 0xff, 0xdc])
    for bytes in [png, jpeg] {
      let error = try formatError { _ = try ImageDecoder().decode(bytes, name: "it") }
      #expect(error?.description.contains("pixels") == true, "\(error?.description ?? "")")
    }
    #expect(throws: FormatError.self) { try decode("420.jpg").resized(height: 1 << 40, width: 1) }
    #expect(throws: FormatError.self) {
      try RasterImage(height: 1 << 62, width: 4, channels: 1, pixels: [])
    }
  }

  @Test(arguments: [1, 3]) func pngComesBackAsItWas(channels: Int) throws {
    let bytes = (0..<7 * 5 * channels).map { UInt8($0 * 37 % 256) }
    let image = try RasterImage(height: 7, width: 5, channels: channels, pixels: bytes)
    let path = "\(folder.path)/image.png"
    try image.writePNG(to: path)
    #expect(try ImageDecoder().decode(File.contents(of: path), name: path) == image)
  }

  @Test func sheetPutsTilesSideBySide() throws {
    // Three tiles of 1 x 2 in two columns with a gap of one pixel.
    let sheet = try RasterImage.sheet(
      tiles: [1, 2, 3, 4, 5, 6], height: 1, width: 2, channels: 1, columns: 2, gap: 1)
    #expect(shape(sheet) == [3, 5, 1])
    #expect(sheet.pixels == [1, 2, 0, 3, 4, 0, 0, 0, 0, 0, 5, 6, 0, 0, 0])
    #expect(throws: FormatError.self) {
      try RasterImage.sheet(tiles: [1, 2, 3], height: 1, width: 2, channels: 1, columns: 2)
    }
  }
}

/// The check of PNG chunks, bit by bit (ISO 3309).
private enum CRC32Reference {
  static func of(_ bytes: [UInt8]) -> UInt32 {
    var value = ~UInt32(0)
    for byte in bytes {
      value ^= UInt32(byte)
      for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xedb8_8320 : value >> 1 }
    }
    return ~value
  }
}
