import DLCore
import DLFormats
import DLReports
import DLTestSupport
import DLTraining
import Testing

/// The table of layers against published and hand-computed figures, and the curve of the rate.
@Suite struct InspectTests {
  private func report(
    _ model: String, _ shape: [Int], more: String = "", classes: Int = 10
  ) throws -> ModelReport {
    try ModelReport(
      Configuration.load(
        yaml: """
          data: {synthetic: {shape: \(shape), classes: \(classes), rows: 64}}
          model: \(model)
          batch_size: 8
          \(more)
          """))
  }

  /// The cells of a row of the table.
  private func row(_ table: String, _ start: String) -> [Substring]? {
    table.split(separator: "\n").first { $0.hasPrefix(start + " ") || $0.contains(" \(start) ") }?
      .split(separator: " ")
  }

  // He et al. 2016: 0.27 million parameters; 40.55 million products, 40.81 with projections, by hand: 442,368 in the stem,
  // 14,155,776 + 12,976,128 + 12,976,128 in the stages, 640 at the end.
  @Test func resNet20() throws {
    let table = try report("{name: resnet_cifar}", [32, 32, 3]).layers()
    #expect(row(table, "total") == ["total", "269,722", "40,551,040"])
    let projected = try report("{name: resnet_cifar, shortcut: projection}", [32, 32, 3]).layers()
    #expect(row(projected, "total") == ["total", "272,474", "40,813,184"])
    #expect(
      row(table, "conv1") == ["conv1", "Conv2d", "[32,", "32,", "16]", "432", "442,368", "3"])
    let last = row(table, "layer3.2.conv2")
    #expect(last?.suffix(3) == ["36,864", "2,359,296", "81"])
    // Stage 2 halves the image: 3 + 12 = 15 pixels before it, 2 more in its first convolution.
    #expect(row(table, "layer2.0.conv1")?.suffix(2) == ["1,179,648", "17"])
    #expect(row(table, "fc")?.suffix(2) == ["640", "all"])
  }

  // LeCun et al. 1998: 60,000 weights (61,706 with the biases, and 44 of the batch norms).
  @Test func leNet5() throws {
    let table = try report("{name: lenet5}", [28, 28, 1]).layers()
    let total = 117_600 + 240_000 + 48_000 + 10_080 + 840
    #expect(total == 416_520)
    #expect(row(table, "total") == ["total", "61,750", "416,520"])
    let fields = table.split(separator: "\n").filter { $0.contains("2d ") }
      .compactMap { $0.split(separator: " ").last }
    #expect(fields == ["5", "6", "14", "16"])
  }

  /// The convolutions of VGG-16: 14,714,688 parameters; 313.2 million products at 32x32, 1/49 of the
  /// 15.35 thousand million at 224x224; a field of 212 pixels (Araujo, Norris and Sim 2019).
  @Test func vgg16() throws {
    let stages = [[64, 64], [128, 128], [256, 256, 256], [512, 512, 512], [512, 512, 512]]
    let layers = stages.map { stage in
      stage.map { "{conv2d: {out: \($0), kernel: 3, padding: 1}}, {relu: {}}" }
        .joined(separator: ", ") + ", {max_pool2d: {kernel: 2}}"
    }
    let table = try report(
      "{layers: [\(layers.joined(separator: ", ")), {flatten: {}}]}", [32, 32, 3], classes: 100
    ).layers()
    #expect(row(table, "total") == ["total", "14,714,688", "313,196,544"])
    #expect(table.split(separator: "\n").filter { $0.contains("ReLU") }.count == 13)
    #expect(row(table, "30")?.last == "212")
  }

  /// Groups and dilation; a transposed convolution; both branches of a residual block.
  @Test func otherGeometries() throws {
    let table = try report(
      """
      {layers: [{conv2d: {out: 4, kernel: [3, 1], dilation: [2, 1], groups: 2, bias: false}}, \
      {residual: {layers: [{conv2d: {out: 4, kernel: 3, padding: 1}}]}}, \
      {conv_transpose2d: {out: 3, kernel: 4, stride: 2, padding: 1}}, {flatten: {}}, \
      {linear: {out: 10}}]}
      """, [12, 8, 2]
    ).layers()
    // 8x8 positions of 3 taps of 1 channel for 4; 9 taps of 4 channels for 4; 64 inputs to 4x4x3.
    #expect(row(table, "0") == ["0", "Conv2d", "[8,", "8,", "4]", "12", "768", "5x1"])
    #expect(row(table, "1.layers.0")?.suffix(3) == ["148", "9,216", "7x3"])
    #expect(row(table, "2")?.suffix(3) == ["195", "12,288", "8x4"])
    #expect(row(table, "4")?.suffix(3) == ["7,690", "7,680", "all"])
  }

  @Test func theCurveIsDrawn() throws {
    let curve = try report(
      "{layers: [{flatten: {}}, {linear: {out: 10}}]}", [2, 2, 1],
      more: "optimizer: {lr: 0.4}\nschedule: {name: cosine, warmup_steps: 20}\nsteps: 120"
    ).learningRate
    let plain = curve.text(isPlain: true, width: 60, height: 9).split(
      separator: "\n", omittingEmptySubsequences: false)
    #expect(plain[0] == "learning rate: cosine, lr 0.4, 120 steps in 15 epochs")
    #expect(plain.joined().utf8.allSatisfy { $0 < 128 })
    let rows = plain[2..<11].map { line in
      Array(line.dropFirst(5)) + Array(repeating: " ", count: 65 - line.count)
    }
    #expect(plain[2].hasPrefix("0.4 +") && plain[6].hasPrefix("0.2 +"))
    #expect(plain[10].hasPrefix("  0 +"))
    // Up for a sixth of the width, then down; a mark in every column.
    func height(_ column: Int) -> Int? {
      rows.firstIndex { $0[column] == "*" }
    }
    let heights = (0..<60).map { rows.count - (height($0) ?? 99) }
    #expect(heights.allSatisfy { (1...9).contains($0) })
    #expect(heights[0] <= 2 && heights[9] == 9 && heights[10] == 9 && heights[59] == 1)
    #expect(zip(heights[10...], heights[10...].dropFirst()).allSatisfy { $0 >= $1 })
    #expect(plain[12].hasSuffix("step 120"))
    let braille = curve.text(isPlain: false)
    #expect(braille.unicodeScalars.contains { (0x2801...0x28FF).contains($0.value) })
    #expect(Set(braille.split(separator: "\n")[1...13].map(\.count)) == [5 + 72])
  }

  @Test func theCurveIsWritten() throws {
    let bench = try Workbench()
    let curve = try report(
      "{layers: [{flatten: {}}, {linear: {out: 10}}]}", [2, 2, 1],
      more: "schedule: {name: step, step_size: 4}\nsteps: 12"
    ).learningRate
    try curve.writeSVG(to: "\(bench.path)/rate.svg")
    let svg = String(decoding: try File.contents(of: "\(bench.path)/rate.svg"), as: UTF8.self)
    #expect(svg.hasPrefix("<svg xmlns=") && svg.hasSuffix("</svg>\n"))
    #expect(svg.contains("learning rate: step, lr 0.01, 12 steps in 1.5 epochs"))
    let points = svg.split(separator: "points=\"")[1].split(separator: "\"")[0]
    #expect(points.split(separator: " ").count == 12)
    #expect(points.hasPrefix("80.00,50.00 ") && points.hasSuffix("700.00,307.40"))
  }

  /// Runs of no steps, of one, and of more than anybody can list.
  @Test(arguments: [0, 1, 2, 2_000_000_000])
  func lengthsAtTheBounds(steps: Int) throws {
    let curve = try report(
      "{layers: [{flatten: {}}, {linear: {out: 10}}]}", [2, 2, 1],
      more: "optimizer: {lr: 0}\nschedule: {name: one_cycle}\nsteps: \(steps)"
    ).learningRate
    #expect(!curve.text(isPlain: true).isEmpty && !curve.text(isPlain: false).isEmpty)
    #expect(curve.svg().contains("</svg>"))
  }
}
