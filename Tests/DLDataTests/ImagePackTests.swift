import DLCore
import DLData
import DLFormats
import DLTestSupport
import Foundation
import Testing

private let fixtures =
  URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
  + "/DLFormatsTests/Golden/images"

@Suite struct ImagePackTests {
  let folder = TemporaryFolder()

  private func put(_ name: String, _ target: String) throws {
    let bytes = try File.contents(of: "\(fixtures)/\(name)")
    try put(bytes, target)
  }

  private func put(_ bytes: [UInt8], _ target: String) throws {
    let path = "\(folder.path)/in/\(target)"
    try File.makeFolder(String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]))
    let file = try File(path, .create)
    try bytes.withUnsafeBytes { try file.write($0) }
  }

  private func pack(_ configure: (inout ImagePacker) -> Void = { _ in }) throws -> [PackedFile] {
    var packer = ImagePacker()
    configure(&packer)
    return try packer.pack("\(folder.path)/in", output: "\(folder.path)/out")
  }

  private func refusal(_ configure: (inout ImagePacker) -> Void = { _ in }) -> String {
    do {
      _ = try pack(configure)
      return "none"
    } catch {
      return "\(error)"
    }
  }

  private func pixels(_ name: String) throws -> [UInt8] {
    try SafetensorsFile(path: "\(fixtures)/pixels.safetensors").bytes(name)
  }

  @Test func packsSplitsInTheOrderOfNames() throws {
    try put("420.jpg", "train/dog/b.jpg")
    try put("444.jpg", "train/dog/a.jpeg")
    try put("color.png", "train/cat/z.PNG")
    try put("palette.png", "test/bird/1.png")
    try put([1], "train/cat/notes.txt")
    var notices: [String] = []
    var told: [String] = []
    let files = try pack {
      $0.notice = { notices.append($0) }
      $0.progress = { told.append("\($0) \($1)/\($2)") }
    }
    #expect(files.map(\.path) == ["test", "train"].map { "\(folder.path)/out/\($0).safetensors" })
    #expect(files.map(\.shape) == [[1, 13, 17, 3], [3, 13, 17, 3]])
    #expect(told == ["test 1/1", "train 3/3"])
    #expect(notices.count == 1 && notices[0].contains("notes.txt"))
    let train = try TensorFileDataset(path: files[1].path)
    #expect(train.classCount == 3)
    let (x, y) = try read(train, [0, 1, 2])
    #expect(try x == pixels("color.png") + pixels("444.jpg") + pixels("420.jpg"))
    #expect(values(y, as: Int32.self) == [1, 2, 2])
    let names = try SafetensorsFile(path: files[0].path).metadata["class_names"]
    #expect(names == #"["bird","cat","dog"]"#)
  }

  @Test(arguments: ["gnu.tar.gz", "pax.tar.gz"])
  func anArchiveIsPackedAsItsFolder(_ name: String) throws {
    try put("444.jpg", "train/dog/\(String(repeating: "long-", count: 25)).jpg")
    try put("color.png", "train/cat/1.png")
    try put("420.jpg", "test/dog/1.JPG")
    _ = try pack()
    let files = try ImagePacker().pack("\(fixtures)/\(name)", output: "\(folder.path)/archive")
    // In the order of the archive, which begins with a train image.
    #expect(files.map(\.shape) == [[2, 13, 17, 3], [1, 13, 17, 3]])
    for split in ["train", "test"] {
      let path = "\(split).safetensors"
      #expect(
        try File.contents(of: "\(folder.path)/archive/\(path)")
          == File.contents(of: "\(folder.path)/out/\(path)"))
    }
  }

  /// The names of `hidden.tar.gz`, which tar's `-t` lists, as files of a folder.
  @Test func hiddenNamesAreLeftOutOfFoldersAndArchives() throws {
    for name in [
      ".ipynb_checkpoints/1.png", "dog/1.png", "cat/._1.png", "cat/1.png", "cat/.trash/9.png",
      "cat/.DS_Store",
    ] { try put("color.png", "set/\(name)") }
    try put("color.png", ".cache/cat/2.png")
    var notices: [String] = []
    let files = try pack { $0.notice = { notices.append($0) } }
    #expect(files.map(\.shape) == [[2, 13, 17, 3]] && notices.isEmpty)
    var packer = ImagePacker()
    packer.notice = { notices.append($0) }
    let others = try packer.pack("\(fixtures)/hidden.tar.gz", output: "\(folder.path)/archive")
    #expect(notices.isEmpty)
    let (one, other) = try (File.contents(of: files[0].path), File.contents(of: others[0].path))
    #expect(try SafetensorsFile(path: others[0].path).metadata["class_names"] == #"["cat","dog"]"#)
    // The folder of the images has the name of the split in both.
    #expect(one == other)
  }

  /// Python's `sorted(os.listdir())` has the two, and the decomposed one first.
  @Test func equivalentNamesOfFoldersAreTwoClasses() throws {
    try put("color.png", "caf\u{e9}/1.png")
    try put("444.jpg", "cafe\u{301}/1.jpg")
    try put("420.jpg", "\u{301}mark/\u{600}.JPG")
    let files = try pack()
    let text = try SafetensorsFile(path: files[0].path).metadata["class_names"] ?? ""
    let names: JSON = ["cafe\u{301}", "caf\u{e9}", "\u{301}mark"]
    #expect(try JSON(parsing: text) == names)
    let (x, y) = try read(TensorFileDataset(path: files[0].path), [0, 1, 2])
    #expect(try x == pixels("444.jpg") + pixels("color.png") + pixels("420.jpg"))
    #expect(values(y, as: Int32.self) == [0, 1, 2])
  }

  @Test func otherFilesAreNamedByTheirKind() throws {
    try put(Array("PK\u{3}\u{4}".utf8) + [UInt8](repeating: 0, count: 60), "a.zip")
    #expect(
      #expect(throws: FormatError.self) {
        try ImagePacker().pack("\(folder.path)/in/a.zip", output: "\(folder.path)/out")
      }?.what == "is a ZIP archive, not a tar archive")
    try put(Array("GIF89a".utf8) + [1, 0, 1, 0, 0, 0, 0], "a/1.png")
    #expect(refusal().contains("in/a/1.png: is a GIF image, neither JPEG nor PNG"))
  }

  @Test func otherSizesNeedTheOption() throws {
    try put("color.png", "a/1.png")
    try put("alpha.png", "b/2.png")
    #expect(refusal().contains("in/b/2.png: has 6 x 7 pixels, the first image 13 x 17"))
    let files = try pack { $0.size = (8, 8) }
    #expect(files[0].path.hasSuffix("out/images.safetensors"))
    let (x, _) = try read(TensorFileDataset(path: files[0].path), [0])
    #expect(try x == pixels("resize/8x8"))
    #expect(refusal { $0.size = (0, 8) }.contains("size: 0x8"))
    #expect(refusal { $0.size = (1 << 40, 8) }.contains("out of range"))
  }

  @Test func grayAndColor() throws {
    try put("gray.png", "a/1.png")
    try put("color.png", "b/2.png")
    #expect(refusal { $0.size = (8, 8) }.contains("in/b/2.png: is in color"))
    #expect(try pack { ($0.size, $0.channels) = ((8, 8), 3) }[0].shape == [2, 8, 8, 3])
    #expect(try pack { ($0.size, $0.channels) = ((8, 8), 1) }[0].shape == [2, 8, 8, 1])
    #expect(refusal { $0.channels = 4 }.contains("channels: 4"))
  }

  @Test func faultsNameTheFile() throws {
    #expect(refusal().contains("/in"))
    try File.makeFolder("\(folder.path)/in")
    #expect(refusal().contains("holds no .jpg, .jpeg or .png files"))
    try put("color.png", "train/a/1.png")
    try put(Array("no image".utf8), "train/a/2.jpg")
    #expect(refusal().contains("in/train/a/2.jpg: is text, neither JPEG nor PNG"))
    #expect(!File.exists("\(folder.path)/out/train.safetensors"))
    try put("color.png", "train/a/2.jpg")
    try put(Array(File.contents(of: "\(fixtures)/420.jpg")[..<600]), "train/a/3.jpg")
    #expect(refusal().contains("in/train/a/3.jpg: cannot decode the JPEG: "))
    try put("color.png", "train/3.jpg")
    #expect(refusal().contains("arrange all images as SPLIT/CLASS/FILE"))
  }

  @Test(arguments: ["../train/a/1.png", "/etc/a/1.png", "x/../../1.png"])
  func namesThatClimbAreRefused(_ name: String) throws {
    var header = [UInt8](repeating: 0, count: 512)
    header.replaceSubrange(0..<name.utf8.count, with: name.utf8)
    header[124] = 0x30
    header[156] = 0x30
    let sum = header.reduce(8 * 32) { $0 + Int($1) }
    let digits = String(sum, radix: 8).utf8
    header.replaceSubrange(148..<148 + digits.count, with: digits)
    try put(header + [UInt8](repeating: 0, count: 1024), "bad.tar")
    #expect(throws: FormatError.self) {
      try ImagePacker().pack("\(folder.path)/in/bad.tar", output: "\(folder.path)/out")
    }
    #expect(!File.exists("\(folder.path)/out"))
  }
}
