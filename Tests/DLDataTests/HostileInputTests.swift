import DLCore
import DLData
import DLFormats
import DLTestSupport
import Glibc
import Testing

/// Cut, changed and grown tables, pictures, sounds and texts, by the thousand: packed, or one line.
@Suite struct HostileInputTests {
  let folder = TemporaryFolder()

  /// A name that ends as a data set file's and leads nowhere, so that no turn waits for the disk.
  private func nowhere() -> String {
    let path = "\(folder.path)/nowhere.safetensors"
    symlink("/dev/null", path)
    return path
  }

  private static func mutated(_ original: [UInt8], _ numbers: inout Numbers) -> [UInt8] {
    func next(_ bound: Int) -> Int { Int(numbers.bits() >> 33) % bound }
    var bytes = original
    switch next(8) {
    case 0: bytes.removeLast(1 + next(bytes.count))
    case 1: bytes.append(contentsOf: (0...next(40)).map { _ in UInt8(next(256)) })
    case 2: bytes.removeFirst(1 + next(min(bytes.count, 60)))
    case 3: bytes.insert(contentsOf: bytes.prefix(1 + next(80)), at: next(bytes.count))
    default:
      for _ in 0...next(4) {
        let place = next(2) == 0 ? next(min(bytes.count, 64)) : next(bytes.count)
        bytes[place] =
          [0, 10, 34, 44, 0x7f, 0x80, 0xff, bytes[place] ^ 1 << UInt8(next(8))][next(8)]
      }
    }
    return bytes
  }

  /// Hands changed files to a reader, and counts those that it takes and refuses.
  private func sweep(
    _ original: [UInt8], turns: Int, seed: UInt64, codes: Set<ExitCode> = [.data],
    _ read: (String) throws -> Void
  ) throws -> (taken: Int, refused: Int) {
    var numbers = Numbers(seed: seed)
    var (taken, refused) = (0, 0)
    for turn in 0..<turns {
      let path = try folder.write(Self.mutated(original, &numbers), to: "input")
      do {
        try read(path)
        taken += 1
      } catch let error as any DLError {
        if error.description.contains("\n") || !codes.contains(error.exitCode) {
          Issue.record("\(turn): \(error)")
        }
        refused += 1
      }
    }
    return (taken, refused)
  }

  private static let table = Array(
    """
    day,age,"home, city",spent,kind
    2024-02-29,31,Ulm,1.5,yes
    2023-01-01,58,"Bo""nn",-2e3,no
    2024-12-31,?,Ulm,,yes
    2022-06-15,25,"Köln
    am Rhein",0.25,no

    """.utf8)

  private func packer() -> CSVPacker {
    var packer = CSVPacker()
    (packer.dates, packer.categorical) = (["1"], ["3"])
    (packer.missing, packer.isStandardized, packer.split) = (.median, true, .whole)
    return packer
  }

  @Test func tables() throws {
    let output = nowhere()
    // Options that name columns which a damaged first line lacks are wrong usage.
    let fresh = try sweep(Self.table, turns: 2000, seed: 1, codes: [.data, .usage]) { path in
      _ = try packer().pack(path, output: output)
    }
    #expect(fresh.taken > 100 && fresh.refused > 500, "\(fresh)")
    let train = "\(folder.path)/train.safetensors"
    _ = try packer().pack(folder.write(Self.table, to: "table.csv"), output: train)
    let run = try SafetensorsFile(path: train)
    let predicted = try sweep(Self.table, turns: 2000, seed: 2) { path in
      try predict(path, run, [5], output)
    }
    #expect(predicted.taken > 10 && predicted.refused > 500, "\(predicted)")
  }

  /// What `predict` does with a file: raw data become rows, all else is to be a data set file.
  private func predict(_ path: String, _ run: SafetensorsFile, _ shape: [Int], _ output: String)
    throws
  {
    if let raw = try RawInput(path, run: run, shape: shape) {
      try raw.write(to: output)
    } else {
      _ = try SafetensorsFile(dataset: path)
    }
  }

  @Test(arguments: ["color.png", "bits.png", "420.jpg", "progressive.jpg"])
  func pictures(_ name: String) throws {
    let output = nowhere()
    let train = "\(folder.path)/train.safetensors"
    try SafetensorsWriter.write([tensor("x", .uint8, [1, 2, 2, 3], [UInt8](0..<12))], to: train)
    let run = try SafetensorsFile(path: train)
    let bytes = try File.contents(of: golden("images/\(name)", of: "DLFormatsTests"))
    let outcome = try sweep(bytes, turns: 1500, seed: 3) {
      try predict($0, run, [6, 5, 3], output)
    }
    #expect(outcome.refused > 300 && outcome.taken + outcome.refused == 1500, "\(outcome)")
  }

  @Test func sounds() throws {
    func little(_ value: Int, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    let data = (0..<64).flatMap { little(1000 * ($0 % 7), 2) }
    let body =
      Array("WAVEfmt ".utf8) + little(16, 4) + little(1, 2) + little(1, 2) + little(400, 4)
      + little(800, 4) + little(2, 2) + little(16, 2) + Array("data".utf8) + little(data.count, 4)
      + data
    let bytes = Array("RIFF".utf8) + little(body.count, 4) + body
    try File.makeFolder("\(folder.path)/in/a")
    _ = try folder.write(bytes, to: "in/a/1.wav")
    var packer = AudioPacker()
    (packer.split, packer.bands, packer.transform) = (.whole, 4, 16)
    let train = "\(folder.path)/train.safetensors"
    let shape = try packer.pack("\(folder.path)/in", output: train)[0].shape
    let (run, output) = (try SafetensorsFile(path: train), nowhere())
    let outcome = try sweep(bytes, turns: 1500, seed: 4) {
      try predict($0, run, Array(shape.dropFirst()), output)
    }
    #expect(outcome.taken > 100 && outcome.refused > 300, "\(outcome)")
  }

  @Test func texts() throws {
    let text = Array("a good film\na bad one, é\nwords and words\n".utf8)
    _ = try folder.write(text, to: "pos.txt")
    _ = try folder.write("a bad film\n", to: "neg.txt")
    var packer = SentencePacker()
    packer.split = .whole
    let train = "\(folder.path)/train.safetensors"
    _ = try packer.pack(["pos", "neg"].map { "\(folder.path)/\($0).txt" }, output: train)
    let (run, output) = (try SafetensorsFile(path: train), nowhere())
    let outcome = try sweep(text, turns: 2000, seed: 5) { try predict($0, run, [4], output) }
    #expect(outcome.taken > 300 && outcome.refused > 300, "\(outcome)")
  }
}
