import DLCore
import DLFormats
import DLTestSupport
import Foundation
import Testing

/// Images of any size, decoded and changed while they are loaded, through the real program.
@Suite(.serialized)
struct ImageLoadingTests {
  private static let yaml = """
    name: pictures
    seed: 5
    data:
      train: packed/images.safetensors
      validation: packed/images.safetensors
      images: {size: 12, resize: 14}
      normalize: auto
      augment: [{random_resized_crop: {scale: [0.3, 1]}}, flip, {rotation: {degrees: 10}},
                color_jitter, {rand_augment: {magnitude: 5}}]
      mix: {mixup: 0.2, cutmix: 1}
    model: {layers: [{conv2d: {out: 4, kernel: 3}}, relu, global_avg_pool2d, {linear: {out: 2}}]}
    optimizer: {name: sgd, lr: 0.1}
    batch_size: 6
    virtual_ranks: 2
    epochs: 2
    validate: {every_steps: 2}

    """

  private let fixtures = Program.repository + "/Tests/DLFormatsTests/Golden/images"

  /// Packs 14 pictures of two sizes, encoded as they are.
  private func pack(_ folder: String) throws {
    let names = ["420.jpg", "gray.jpg", "color.png", "progressive.jpg", "palette.png", "444.jpg"]
    for index in 0..<14 {
      let target = "\(folder)/in/\(index % 3 == 0 ? "cat" : "dog")"
      try File.makeFolder(target)
      let name = names[index % names.count]
      try FileManager.default.copyItem(
        atPath: "\(fixtures)/\(name)", toPath: "\(target)/\(index)-\(name)")
    }
    let packed = try Program.run(
      ["data", "pack", "images", "in", "--keep-encoded", "-o", "packed"], in: folder)
    #expect(packed.output == "packed/images.safetensors: images [14]\n", "\(packed.errors)")
    try Self.yaml.write(toFile: folder + "/job.yaml", atomically: true, encoding: .utf8)
  }

  @Test func bitsDependOnNeitherRanksNorWorkers() throws {
    try TemporaryFolder.with { folder in
      try pack(folder)
      let report = try Program.run(["data", "describe", "packed/images.safetensors"], in: folder)
      #expect(report.output.contains("9 to 13") && report.output.contains("dog"))
      let drawn = try Program.run(
        ["data", "sheet", "job.yaml", "-o", "sheet.png", "--images", "3", "--epochs", "4"],
        in: folder)
      // Three rows and five columns of 12 pixels, with 2 between them.
      #expect(drawn.output == "sheet.png: 40 x 68 pixels\n", "\(drawn.errors)")
      var exports: Set<Data> = []
      for (ranks, workers) in [(1, 0), (1, 2), (2, 0), (2, 2)] {
        let run = "run-\(ranks)-\(workers)"
        let trained = try Program.run(
          ["train", "job.yaml", "--out", run, "--set", "data.workers=\(workers)"],
          processes: ranks == 1 ? nil : ranks, in: folder)
        #expect(trained.status == 0, "\(trained.errors)")
        let exported = try Program.run(
          ["export", run, "-o", "\(run).safetensors"], in: folder)
        #expect(exported.status == 0, "\(exported.errors)")
        exports.insert(
          try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(run).safetensors")))
      }
      #expect(exports.count == 1)
      // Evaluation and prediction bring images to the size of validation by themselves.
      let evaluated = try Program.run(["evaluate", "run-1-2"], in: folder)
      #expect(evaluated.output.contains("accuracy"), "\(evaluated.errors)")
      let rows = try Program.run(["predict", "run-1-2", "packed/images.safetensors"], in: folder)
      let alone = try Program.run(["predict", "run-1-2", "in/cat/0-420.jpg"], in: folder)
      let lines = [rows, alone].map {
        $0.output.split(separator: "\n").map { $0.split(separator: ",") }
      }
      #expect(lines.map(\.count) == [15, 2], "\(rows.errors)\(alone.errors)")
      let (first, only) = (try #require(lines[0].dropFirst().first), try #require(lines[1].last))
      #expect(first[1] == only[1] && first[3] == only[3])
      let probabilities = try [first, only].map { try #require(Double($0[2])) }
      #expect(abs(probabilities[0] - probabilities[1]) < 1e-5)
    }
  }

  @Test(arguments: [0, 2]) func aDamagedImageIsOneLine(workers: Int) throws {
    try TemporaryFolder.with { folder in
      try pack(folder)
      // Row 3's first bytes, in front of which lie the header and the pictures before.
      let path = folder + "/packed/images.safetensors"
      let file = try SafetensorsFile(path: path)
      let offsets = values(try file.bytes("offsets"), as: Int64.self)
      let place = try file.info("images").bytes.lowerBound + Int(offsets[3])
      var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      bytes.replaceSubrange(place..<place + 4, with: [1, 2, 3, 4])
      try bytes.write(to: URL(fileURLWithPath: path))
      let arguments = [
        "train", "job.yaml", "--out", "run", "--set", "data.workers=\(workers)", "--set",
        "data.normalize=null",
      ]
      for processes in [nil, 2] {
        let outcome = try Program.run(arguments, processes: processes, in: folder)
        #expect(outcome.status == 65, "\(outcome.errors)")
        #expect(outcome.faults.count == 1, "\(outcome.errors)")
        #expect(
          outcome.errors.contains("images.safetensors: row 3: is neither JPEG nor PNG"),
          "\(outcome.errors)")
      }
    }
  }
}
