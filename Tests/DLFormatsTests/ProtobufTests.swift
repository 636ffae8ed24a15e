import DLCore
import DLFormats
import DLTestSupport
import Testing

/// Protobuf's wire format, against the examples of https://protobuf.dev/programming-guides/encoding.
@Suite struct ProtobufTests {
  private func bytes(_ message: ProtobufMessage) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try message.write { bytes += $0 }
    #expect(bytes.count == message.byteCount)
    return bytes
  }

  @Test func fieldsAreThoseOfTheGuide() throws {
    var number = ProtobufMessage()
    number.add(1, 150)
    #expect(try bytes(number) == [0x08, 0x96, 0x01])
    var text = ProtobufMessage()
    text.add(2, "testing")
    #expect(try bytes(text) == [0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67])
    var outer = ProtobufMessage()
    outer.add(3, number)
    #expect(try bytes(outer) == [0x1a, 0x03, 0x08, 0x96, 0x01])
    var negative = ProtobufMessage()
    negative.add(1, -2)
    #expect(
      try bytes(negative) == [0x08, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01])
    // Little-endian IEEE 754, and a field number beyond one byte's.
    var float = ProtobufMessage()
    float.add(20, Float(1))
    #expect(try bytes(float) == [0xa5, 0x01, 0x00, 0x00, 0x80, 0x3f])
  }

  @Test func bytesThatAreMadeLateCountAtOnce() throws {
    var inner = ProtobufMessage()
    inner.add(9, count: 3) { sink in
      try ([1, 2, 3] as [UInt8]).withUnsafeBytes { try sink($0) }
    }
    var outer = ProtobufMessage()
    outer.add(5, inner)
    outer.add(1, 0)
    #expect(try bytes(outer) == [0x2a, 0x05, 0x4a, 0x03, 1, 2, 3, 0x08, 0x00])
  }

  @Test func beyondTwoGiBIsRefused() throws {
    let folder = TemporaryFolder()
    var model = ONNXModel()
    model.initializers = [
      ONNXTensor(name: "w", type: .float32, shape: [1 << 29], byteCount: 1 << 31) { _ in }
    ]
    let error = #expect(throws: FormatError.self) { try model.write(to: folder.path + "/w.onnx") }
    #expect(error?.description.contains("at most 2 GiB") == true)
  }
}
