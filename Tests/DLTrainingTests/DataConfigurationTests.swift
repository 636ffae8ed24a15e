import DLConfiguration
import DLCore
import DLData
import DLFormats
import DLReports
import DLTestSupport
import DLTraining
import Testing

@Suite struct DataConfigurationTests {
  private func configuration(_ data: String) throws -> Configuration {
    try Configuration.load(yaml: "model: {layers: [{linear: {out: 3}}]}\ndata: \(data)")
  }

  @Test func augmentationsAreReadInTheirOrder() throws {
    let words = try configuration(
      """
      {train: x, augment: [{pad_crop: {padding: 2}}, flip, {flip: {p: 0.25}}, {cutout: {size: 3}},
        {pad_crop: {padding: 2, padding_mode: reflect}}, alternating_flip, brightness, {contrast: {strength: 0.5}}]}
      """
    ).data.augment
    #expect(
      words.map(\.change) == [
        .padCrop(padding: 2), .flip(probability: 0.5), .flip(probability: 0.25), .cutout(size: 3),
        .padCrop(padding: 2, mode: .reflect), .alternatingFlip, .brightness(strength: 0.2),
        .contrast(strength: 0.5),
      ])
    var jitter = ColorJitter()
    jitter.hue = 0.1
    #expect(
      try configuration(
        "{train: x, augment: [{random_resized_crop: {scale: [0.5, 1]}}, {color_jitter: {hue: 0.1}}]}"
      ).data.augment.map(\.change) == [
        .randomResizedCrop(RandomWindow(scale: [0.5, 1])), .bytes(.init(jitter)),
      ])
    var faults = ConfigurationFaults()
    let again = words.map {
      AugmentConfiguration.read($0.node, at: "augment", rule: .none, faults: &faults)
    }
    #expect(again == words && faults.list.isEmpty)
    #expect(try ConfigurationSchema.json().contains("\"pad_crop\""))
  }

  @Test(arguments: [
    "[5]", "[{}]", "[{flip: {}, cutout: {}}]", "[{flip: {q: 1}}]", "[{flip: {p: 1.5}}]",
    "[{pad_crop: {padding: -1}}]", "[{pad_crop: {padding_mode: wrap}}]", "[{cutout: {size: 0}}]",
    "[{contrast: {strength: 2}}]", "flip", "[{random_resized_crop: {scale: [0.5, 0.2]}}]",
    "[{random_resized_crop: {ratio: [1]}}]", "[{color_jitter: {hue: 0.6}}]",
    "[{rotation: {degrees: 181}}]", "[{rand_augment: {magnitude: 31}}]",
  ])
  func badAugmentationsAreFaults(_ list: String) {
    #expect(throws: ConfigurationError.self) {
      try configuration("{train: x, augment: \(list)}")
    }
  }

  @Test func syntheticRowsAreOfValuesOrOfTokens() throws {
    let images = try configuration("{synthetic: {shape: [4], classes: 3}}")
    #expect(images.data.synthetic?.shape == [4] && images.data.synthetic?.tokens == nil)
    let text = try configuration("{synthetic: {tokens: 9, vocabulary: 5, rows: 20}}")
    let data = try TrainingData.open("", .training, text)
    #expect(data.inputShape == [9] && data.labelShape == [9] && data.classCount == 5)
    #expect(data.count == 20 && data.inputType == .int32)
    // What is written is read again, whichever of the two it is.
    for job in [images, text] {
      #expect(try Configuration.load(yaml: job.node.yaml()) == job)
    }
    for keys in [
      "{}", "{shape: [4]}", "{classes: 3}", "{tokens: 9}", "{vocabulary: 5}",
      "{shape: [4], vocabulary: 5}", "{tokens: 9, vocabulary: 5, shape: [4]}",
      "{tokens: 9, vocabulary: 5, classes: 3}", "{tokens: 0, vocabulary: 5}",
      "{tokens: 1048576, vocabulary: 5, rows: 1000000}",
    ] {
      #expect(throws: ConfigurationError.self, "\(keys)") {
        try configuration("{synthetic: \(keys)}")
      }
    }
  }

  @Test func everyKindOfDataIsDescribed() throws {
    let bench = try Workbench()
    func write(_ text: String, _ name: String) throws -> String {
      let file = try File("\(bench.path)/\(name)", .create)
      try file.write(text)
      return file.path
    }
    let text = try TextPacker.pack(
      write("to be, or not\nto be: that is", "text"), output: "\(bench.path)/text-packed")
    #expect(
      try DatasetReport.text(path: text[0].path) == """
        tokens      25
        vocabulary  14
        begins      to be, or not to be: tha
        """)

    var packer = ParallelPacker()
    packer.vocabulary = 10
    let pairs = try packer.pack(
      [.init(source: write("a b\nb", "t.de"), target: write("b a\na", "t.en"))],
      output: "\(bench.path)/pairs")
    let lines = try DatasetReport.text(path: pairs[0].path)
    #expect(lines.contains("first x       a b") && lines.contains("first y       b a"))

    _ = try write("0\t1\ttrain\t0 2\n1\t0\ttest\t1\n", "nodes.tsv")
    _ = try write("0\t1\n", "edges.tsv")
    let graph = "\(bench.path)/graph.safetensors"
    _ = try CoraPacker.pack(directory: bench.path, output: graph)
    #expect(try DatasetReport.text(path: graph).contains("features    3, mean 1.5 of a node"))

    let images = "\(bench.path)/train.safetensors"
    #expect(try DatasetReport.text(path: images).contains("normalize: {mean:"))
  }
}
