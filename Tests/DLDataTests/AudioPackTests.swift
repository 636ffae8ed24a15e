import DLCore
import DLData
import DLFormats
import DLTestSupport
import Foundation
import Testing

/// Sounds as data sets: rows against NumPy's, names, parts, and what is refused.
@Suite struct AudioPackTests {
  let folder = TemporaryFolder()

  private func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  /// Writes PCM of 16 bits.
  private func write(_ samples: [Int], rate: Int, to name: String) throws {
    let data = samples.flatMap { little($0, 2) }
    let format =
      little(1, 2) + little(1, 2) + little(rate, 4) + little(2 * rate, 4) + little(2, 2)
      + little(16, 2)
    let body =
      Array("WAVEfmt ".utf8) + little(16, 4) + format + Array("data".utf8) + little(data.count, 4)
      + data
    let path = "\(folder.path)/in/\(name)"
    try File.makeFolder(String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]))
    let file = try File(path, .create)
    try (Array("RIFF".utf8) + little(body.count, 4) + body).withUnsafeBytes { try file.write($0) }
  }

  private func pack(_ configure: (inout AudioPacker) -> Void = { _ in }) throws -> [String] {
    var packer = AudioPacker()
    packer.pattern = "{class}_{index}"
    packer.split = .whole
    configure(&packer)
    return try packer.pack("\(folder.path)/in", output: "\(folder.path)/out").map(\.path)
  }

  private func x(_ path: String) throws -> [Double] {
    try SafetensorsFile(path: path).doubles("x")
  }

  /// Rows and their changes are those of NumPy, to the precision of float32.
  @Test func rowsAreThoseOfNumPy() throws {
    for item in try goldenJSON("mel.json").get("cases").list() {
      func integer(_ key: String) throws -> Int { try item.get(key).integer() }
      let (rate, bands) = (try integer("rate"), try integer("mels"))
      try write(try item.get("sound").integers(), rate: rate, to: "a_0.wav")
      let (window, hop, transform) = (
        try integer("window"), try integer("hop"), try integer("fft")
      )
      let edges = (try item.get("fmin").number(), try item.get("fmax").number())
      for (deltas, keys) in [(0, ["rows"]), (2, ["rows", "deltas", "second"])] {
        let path = try pack {
          $0.window = Double(window) * 1000 / Double(rate)
          $0.hop = Double(hop) * 1000 / Double(rate)
          ($0.transform, $0.lowest, $0.highest) = (transform, edges.0, edges.1)
          ($0.bands, $0.deltas, $0.isStandardized) = (bands, deltas, false)
        }[0]
        let (got, width) = (try x(path), bands * (deltas + 1))
        for (block, key) in keys.enumerated() {
          let part = got.indices.filter { $0 % width / bands == block }.map { got[$0] }
          #expect(deviation(part, try item.get(key).numbers()) < 1e-6, "\(key) at \(rate)")
        }
      }
    }
  }

  private func tones(_ names: [String], rate: Int = 8000) throws {
    for (index, name) in names.enumerated() {
      let samples = (0..<400 + 160 * index).map {
        Int(8000 * sin(Double($0 * (index + 3)) / 20)) + ($0 * 7919 + index) % 64
      }
      try write(samples, rate: rate, to: name)
    }
  }

  /// A string's rows are those of its sounds one after the other, but for the frames where they meet.
  @Test func stringsAreJoinedSounds() throws {
    try tones(["a_0.wav", "b_1.wav", "c_2.wav"])
    let single = try SafetensorsFile(path: pack { $0.isStandardized = false }[0])
    let joined = try SafetensorsFile(
      path: pack { ($0.isStandardized, $0.strings) = (false, 2...3) }[0])
    let (lengths, y) = (try joined.doubles("lengths"), try joined.doubles("y").map { Int($0) })
    let alone = try single.doubles("lengths").map { Int($0) }
    #expect(try joined.info("y").shape == [3, 3])
    #expect(joined.metadata["class_names"] == "[\"<blank>\",\"a\",\"b\",\"c\"]")
    let (long, x) = (try joined.info("x").shape[1] * 40, try joined.doubles("x"))
    let (short, one) = (try single.info("x").shape[1] * 40, try single.doubles("x"))
    var counts: Set<Int> = []
    for row in 0..<3 {
      let sounds = y[row * 3..<row * 3 + 3].filter { $0 > 0 }.map { $0 - 1 }
      counts.insert(sounds.count)
      // A sound of 400 + 160 i samples at a hop of 80.
      let samples = sounds.reduce(0) { $0 + 400 + 160 * $1 }
      #expect(Int(lengths[row]) == samples / 80 + 1)
      // The last two frames reach into the sound behind.
      let inner = 0..<(alone[sounds[0]] - 2) * 40
      let first = inner.map { x[row * long + $0] }
      #expect(deviation(first, inner.map { one[sounds[0] * short + $0] }) < 1e-6)
    }
    #expect(counts.isSubset(of: [2, 3]))
    let again = try SafetensorsFile(
      path: pack { ($0.isStandardized, $0.strings) = (false, 2...3) }[0])
    #expect(try again.doubles("x") == x)
  }

  @Test func namesLengthsAndParts() throws {
    try tones(["10_0.wav", "9_1.wav", "10_2.wav", "sub/9_3.wav"])
    try folder.write("words", to: "in/notes.txt")
    var notices: [String] = []
    let paths = try pack {
      $0.test = "index=1,3-9"
      $0.notice = { notices.append($0) }
    }
    #expect(paths.map { File.name(of: $0) } == ["train.safetensors", "test.safetensors"])
    let (train, test) = (
      try TensorFileDataset(path: paths[0]), try TensorFileDataset(path: paths[1])
    )
    #expect(train.classNames?.names == ["9", "10"] && test.classCount == 2)
    // 1 + samples / 80 rows.
    #expect(train.rowLengths == [6, 10] && test.rowLengths == [8, 12])
    #expect(train.inputShape == [12, 40])
    #expect(try SafetensorsFile(path: paths[0]).doubles("y") == [1, 1])
    #expect(try SafetensorsFile(path: paths[1]).doubles("y") == [0, 0])
    #expect(notices.contains { $0.contains("1 file(s) are no .wav") })
    // Columns of the training part have mean 0 and deviation 1 over the rows that count.
    let values = try x(paths[0])
    for column in [0, 17, 39] {
      let real = (0..<24).filter { $0 < 6 || $0 >= 12 && $0 < 22 }.map { values[$0 * 40 + column] }
      #expect(abs(real.reduce(0, +)) < 1e-4)
      #expect(abs(real.reduce(0) { $0 + $1 * $1 } / 16 - 1) < 1e-5)
    }
    #expect(values[(6 * 40)..<(12 * 40)].allSatisfy { $0 == 0 })
    // Packed like it, the same sounds are the same numbers.
    let whole = try pack { $0.like = paths[0] }
    #expect(whole.map { File.name(of: $0) } == ["sounds.safetensors"])
    #expect(Array(try x(whole[0])[0..<480]) == Array(values[0..<480]))
  }

  @Test func rowsBeyondTheLengthAreCut() throws {
    try tones(["a_0.wav", "b_1.wav"])
    let long = try pack { ($0.isStandardized, $0.deltas) = (false, 2) }
    let all = try x(long[0])
    let short = try x(pack { ($0.isStandardized, $0.deltas, $0.length) = (false, 2, 4) }[0])
    let file = try SafetensorsFile(path: long[0])
    #expect(try file.doubles("lengths") == [4, 4])
    #expect(Array(all[0..<480]) == Array(short[0..<480]))
  }

  /// Rows are computed some at a time: those of a long sound are those of its beginning.
  @Test func longSoundsAreCutIntoBlocks() throws {
    let samples: [Int] = (0..<8 * 1500).map { place in
      let tone: Double = 9000 * sin(Double(place) / 9)
      return Int(tone) + place * 7919 % 97
    }
    func rows(_ range: Range<Int>) throws -> [Double] {
      try write(Array(samples[range]), rate: 8000, to: "a_0.wav")
      return try x(pack { ($0.hop, $0.window, $0.bands, $0.isStandardized) = (1, 4, 6, false) }[0])
    }
    let (long, short) = (try rows(0..<12000), try rows(0..<2400))
    #expect(long.count == 6 * 1501)
    #expect(deviation(Array(long[..<1740]), Array(short[..<1740])) < 1e-6)
    // The end of the sound, over the end of the first block, is what it is by itself.
    let end = try rows(8000..<12000)
    #expect(deviation(Array(long[6030...]), Array(end[30...])) < 1e-6)
  }

  @Test func classesByFolder() throws {
    try tones(["yes/1.wav", "no/1.wav"])
    let path = try pack { $0.pattern = "{class}/{file}" }[0]
    #expect(try TensorFileDataset(path: path).classNames?.names == ["no", "yes"])
    #expect(try SafetensorsFile(path: path).doubles("y") == [0, 1])
  }

  @Test func faultsAreTold() throws {
    func refused(_ configure: (inout AudioPacker) -> Void = { _ in }) -> String {
      refusal { _ = try pack(configure) }
    }
    try File.makeFolder(folder.path + "/in")
    #expect(refused().contains("holds no .wav files"))
    try tones(["a_0.wav", "b_1.wav"])
    for (pattern, fault) in [
      ("a", "has no field"), ("{", "closing brace"), ("}", "closes no brace"),
      ("{}", "without a name"),
      ("{a}{b}", "nothing between"), ("{a}_{a}", "two of one name"), ("{a{b}", "without a name"),
    ] {
      #expect(
        refused { $0.pattern = pattern }.contains(fault), "\(refused { $0.pattern = pattern })")
    }
    #expect(refused { $0.classField = "digit" }.contains("class: \"digit\" is no field"))
    #expect(refused { $0.pattern = "{class}-{x}" }.contains("a_0.wav: has a name of another form"))
    #expect(refused { $0.test = "index" }.contains("test: \"index\" is no choice"))
    #expect(refused { $0.test = "speaker=x" }.contains("\"speaker\" is no field"))
    #expect(refused { $0.test = "index=7" }.contains("is none of the sounds"))
    #expect(refused { $0.window = 0 }.contains("window: 0.0 is out of range"))
    #expect(refused { $0.window = 9000 }.contains("window: is 72000 samples"))
    #expect(refused { $0.transform = 100 }.contains("fft: 100 is out of range"))
    #expect(refused { $0.highest = 4001 }.contains("fmin, fmax"))
    #expect(refused { $0.deltas = 3 }.contains("deltas: 3"))
    #expect(refused { $0.bands = 0 }.contains("mels: 0"))
    try tones(["c_0.wav"], rate: 16000)
    #expect(refused().contains("c_0.wav: has 16000 samples a second, the others 8000"))
    try write([], rate: 8000, to: "c_0.wav")
    #expect(refused().contains("c_0.wav: has no samples"))
    #expect(!File.exists(folder.path + "/out"))
  }
}
