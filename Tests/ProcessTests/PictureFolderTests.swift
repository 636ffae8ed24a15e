import DLFormats
import DLTestSupport
import Foundation
import Testing

/// Folders of pictures in the place of data set files, through the real program.
@Suite(.serialized)
struct PictureFolderTests {
  /// Pictures of several sizes, as `CLASS/FILE` below two folders.
  private func write(to folder: String) throws {
    for (part, count) in [("train", 9), ("val", 4)] {
      for place in 0..<count {
        let kind = ["cat", "dog"][place % 2]
        let (height, width) = (8 + place, 13 - place)
        let pixels = (0..<height * width * 3).map { UInt8(($0 * (place + 3) + 40 * place) % 256) }
        let path = "\(folder)/pictures/\(part)/\(kind)"
        try FileManager.default.createDirectory(
          atPath: path, withIntermediateDirectories: true)
        try RasterImage(height: height, width: width, channels: 3, pixels: pixels)
          .writePNG(to: "\(path)/\(place).png")
      }
    }
    try """
    data:
      train: pictures/train
      validation: pictures/val
      images: {size: 6, resize: 7}
      augment: [random_resized_crop, flip]
    model: {layers: [{conv2d: {out: 2, kernel: 3}}, relu, flatten, {linear: {out: 2}}]}
    optimizer: {name: sgd, lr: 0.1}
    batch_size: 4
    virtual_ranks: 2
    steps: 4

    """.write(toFile: folder + "/job.yaml", atomically: true, encoding: .utf8)
  }

  private func run(_ arguments: [String], processes: Int? = nil, in folder: String) throws
    -> Outcome
  {
    try Program.startCommand(
      Program.launcher(processes) + [Program.path] + arguments, in: folder,
      variables: ["XDG_CACHE_HOME": folder + "/cache"]
    ).wait()
  }

  private func cached(in folder: String) -> [String] {
    let names = try? FileManager.default.contentsOfDirectory(atPath: folder + "/cache/dltrain")
    return (names ?? []).filter { $0.hasPrefix("pictures-") }.sorted()
  }

  @Test func aFolderIsTheFileThatItWouldBePackedTo() throws {
    try TemporaryFolder.with { folder in
      try write(to: folder)
      for (name, processes) in [("two", 2), ("one", nil)] as [(String, Int?)] {
        let outcome = try run(
          ["train", "job.yaml", "--out", name], processes: processes, in: folder)
        #expect(outcome.status == 0, "\(outcome.errors)")
      }
      for part in ["train", "val"] {
        let packed = try run(
          ["data", "pack", "images", "pictures/\(part)", "--keep-encoded", "-o", part], in: folder)
        #expect(packed.status == 0, "\(packed.errors)")
      }
      let files = try run(
        [
          "train", "job.yaml", "--out", "files", "--set",
          "data.train=train/images.safetensors", "--set",
          "data.validation=val/images.safetensors",
        ], in: folder)
      #expect(files.status == 0, "\(files.errors)")
      let wanted = try Job.tensors(folder + "/files", step: 4)
      for name in ["one", "two"] {
        #expect(try Job.tensors("\(folder)/\(name)", step: 4) == wanted, "\(name)")
      }
      // Each folder was put together once, by whoever came first, and nothing is left of that.
      #expect(cached(in: folder).count == 2, "\(cached(in: folder))")

      let evaluated = try run(["evaluate", "one", "--data", "pictures/val"], in: folder)
      let same = try run(["evaluate", "files", "--data", "val/images.safetensors"], in: folder)
      #expect(evaluated.status == 0 && same.status == 0, "\(evaluated.errors)")
      #expect(
        evaluated.output.replacing("pictures/val", with: "F").replacing("one", with: "R")
          == same.output.replacing("val/images.safetensors", with: "F")
          .replacing("files", with: "R"))
      let described = try run(["data", "describe", "pictures/val"], in: folder)
      #expect(described.output.contains("dog"), "\(described.errors)")
    }
  }

  /// Pictures without classes are predicted in the order of their names, which are the last column, each
  /// as it is by itself.
  @Test func foldersArePredicted() throws {
    try TemporaryFolder.with { folder in
      try write(to: folder)
      let trained = try run(["train", "job.yaml", "--out", "run"], in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      let all = try run(["predict", "run", "pictures/val/cat"], in: folder)
      #expect(all.status == 0, "\(all.errors)")
      let alone = try [0, 2].map { place in
        let outcome = try run(["predict", "run", "pictures/val/cat/\(place).png"], in: folder)
        #expect(outcome.status == 0, "\(outcome.errors)")
        return try #require(outcome.output.split(separator: "\n").last).dropFirst()
      }
      let lines = all.output.split(separator: "\n")
      #expect(lines.first == "row,class,probability,name,file", "\(all.output)")
      let wanted = zipped([0, 2], alone).map { "\($1),\($0).png" }
      #expect(lines.dropFirst().map { String($0.dropFirst()) } == wanted, "\(all.output)")
      let whole = try run(["predict", "run", "pictures"], in: folder)
      let files = whole.output.split(separator: "\n").compactMap { $0.split(separator: ",").last }
      #expect(files.count == 14 && files.contains("val/cat/2.png"), "\(whole.output)")
    }
  }

  @Test func whatChangesIsReadAnew() throws {
    try TemporaryFolder.with { folder in
      try write(to: folder)
      let first = try run(["validate", "job.yaml"], in: folder)
      #expect(first.status == 0, "\(first.errors)")
      #expect(try run(["validate", "job.yaml"], in: folder).status == 0)
      let before = cached(in: folder)
      #expect(before.count == 2)
      try FileManager.default.removeItem(atPath: folder + "/pictures/train/cat/0.png")
      #expect(try run(["validate", "job.yaml"], in: folder).status == 0)
      // The file of the folder that has changed gives way to another.
      let after = cached(in: folder)
      #expect(after.count == 2 && Set(after).intersection(before).count == 1, "\(before) \(after)")
    }
  }

  @Test func whatIsNoFolderOfPicturesIsRefused() throws {
    try TemporaryFolder.with { folder in
      try write(to: folder)
      func refuse(_ setting: String, _ code: Int32, _ word: String) throws {
        let outcome = try run(
          ["train", "job.yaml", "--ranks", "2", "--out", "run", "--set", setting], in: folder)
        #expect(outcome.status == code, "\(outcome.errors)")
        #expect(outcome.faults.count == 1 && outcome.errors.contains(word), "\(outcome.errors)")
      }
      try refuse("data.train=pictures", 65, "pictures/train")
      try refuse("data.train=pictures/train/cat", 65, "CLASS/FILE")
      try refuse("data.images=null", 65, "data.images: {size: 224}")
      try FileManager.default.createDirectory(
        atPath: folder + "/empty", withIntermediateDirectories: true)
      try refuse("data.train=empty", 65, "empty: is a folder without")
      let before = cached(in: folder)
      let damaged = folder + "/pictures/train/dog/3.png"
      let bytes = try Data(contentsOf: URL(fileURLWithPath: damaged))
      try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: damaged))
      try refuse("steps=2", 65, "dog/3.png")
      #expect(cached(in: folder) == before)
    }
  }
}
