import DLFormats
import DLTestSupport
import Testing

/// PNG of every kind with every chunk that says how to show it, and JPEG of four inks, against the
/// pixels that Pillow reads (`scripts/golden/make_image_kinds.py`).
@Suite struct ImageKindTests {
  @Test func everyKindIsReadAsPillowReadsIt() throws {
    let kinds = try SafetensorsFile(path: golden("kinds.safetensors"))
    let decoder = try ImageDecoder()
    var count = 0
    for tensor in kinds.tensors where tensor.name.hasPrefix("file/") {
      let name = String(tensor.name.dropFirst("file/".count))
      let expected = try kinds.bytes("pixels/\(name)")
      let shape = try kinds.info("pixels/\(name)").shape
      do {
        let image = try decoder.decode(kinds.bytes(tensor.name), name: name)
        #expect([image.height, image.width, image.channels] == shape, "\(name)")
        let furthest = zipped(image.pixels, expected).map { abs(Int($0) - Int($1)) }.max()
        #expect(image.pixels == expected, "\(name): off by \(furthest ?? 0)")
      } catch {
        Issue.record("\(error)")
      }
      count += 1
    }
    #expect(count > 150)
  }

  @Test func damageToAHintIsDamage() throws {
    let kinds = try SafetensorsFile(path: golden("kinds.safetensors"))
    var bytes = try kinds.bytes("file/gray-8-gamma-1.png")
    // Within the data of gAMA, which fails its checksum then.
    bytes[44] ^= 1
    let error = try formatError { _ = try ImageDecoder().decode(bytes, name: "it") }
    #expect(error?.file == "it")
  }
}
