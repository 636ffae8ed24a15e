import DLCore
import DLFormats
import DLTestSupport
import Testing

/// Sounds: what Python's wave and SciPy wrote, and what is none.
@Suite struct WAVTests {
  let folder = TemporaryFolder()

  static let names = ["pcm8", "pcm16", "pcm24", "pcm32", "float32", "float64"].map { $0 + ".wav" }

  @Test(arguments: names)
  func readsWhatOthersWrote(_ name: String) throws {
    let file = try WAVFile(path: golden(name))
    #expect(file.sampleRate == 8000 && file.sampleCount == 24)
    #expect(file.channelCount == (name.hasPrefix("pcm") ? 2 : 1))
    let wanted = try goldenJSON("sounds.json").get(name).numbers()
    #expect(deviation(try file.mono(), wanted) < 1e-15)
  }

  private func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  private func chunk(_ name: String, _ bytes: [UInt8]) -> [UInt8] {
    Array(name.utf8) + little(bytes.count, 4) + bytes
      + [UInt8](repeating: 0, count: bytes.count % 2)
  }

  private func format(_ code: Int, channels: Int = 1, bits: Int = 16, rate: Int = 8000) -> [UInt8] {
    let each = channels * bits / 8
    return little(code, 2) + little(channels, 2) + little(rate, 4) + little(rate * each, 4)
      + little(each, 2) + little(bits, 2)
  }

  private func sound(_ chunks: [UInt8]) throws -> WAVFile {
    let body = Array("WAVE".utf8) + chunks
    return try WAVFile(
      path: folder.write(Array("RIFF".utf8) + little(body.count, 4) + body, to: "sound.wav"))
  }

  /// A list of odd length before the samples, and the extensible form of the format.
  @Test func otherChunks() throws {
    let samples = chunk("data", little(-16384, 2) + little(0x4000, 2))
    let list = try sound(chunk("LIST", [1, 2, 3]) + chunk("fmt ", format(1)) + samples + [9])
    #expect(try list.mono() == [-0.5, 0.5])
    let extensible =
      format(0xfffe) + little(22, 2) + little(16, 2) + little(4, 4) + little(1, 2)
      + [UInt8](repeating: 0, count: 14)
    #expect(try sound(chunk("fmt ", extensible) + samples).mono() == [-0.5, 0.5])
    #expect(try sound(chunk("fmt ", format(1)) + chunk("data", [])).mono() == [])
  }

  @Test func whatIsNoSoundIsNamed() throws {
    func refused(_ chunks: [UInt8]) -> String { refusal { _ = try sound(chunks).mono() } }
    let data = chunk("data", [0, 0, 0, 0])
    #expect(refused(data).contains("has its data before its fmt chunk"))
    #expect(refused(chunk("fmt ", format(1))).contains("has no data chunk"))
    #expect(refused([]).contains("has no fmt chunk"))
    for wrong in [
      format(7, bits: 8), format(1, bits: 12), format(3, bits: 16), format(1, channels: 0),
      format(1, rate: 0), Array(format(1).dropLast()), format(0xfffe),
    ] {
      #expect(refused(chunk("fmt ", wrong) + data).contains("is neither PCM"))
    }
    #expect(
      refused(chunk("fmt ", format(1, channels: 3)) + data).contains("4 bytes of samples"))
    #expect(
      refused(chunk("fmt ", format(3, bits: 32)) + chunk("data", [0, 0, 0xc0, 0x7f]))
        .contains("not finite"))
    let text = try folder.write("words", to: "text.wav")
    #expect(refusal { _ = try WAVFile(path: text) }.contains("is text, not a WAV sound"))
  }

  @Test(arguments: ["pcm8.wav", "pcm24.wav"])
  func everyCutAndEveryFlippedBitIsASoundOrATypedError(_ name: String) throws {
    let bytes = try File.contents(of: golden(name))
    for count in bytes.indices {
      let path = try folder.write(Array(bytes[..<count]))
      #expect(try formatError { _ = try WAVFile(path: path) }?.exitCode == .data)
    }
    for position in bytes.indices {
      for bit in 0..<8 {
        var damaged = bytes
        damaged[position] ^= 1 << bit
        let path = try folder.write(damaged)
        let error = try formatError { _ = try WAVFile(path: path).mono() }
        #expect(error == nil || error?.exitCode == .data)
      }
    }
  }
}
