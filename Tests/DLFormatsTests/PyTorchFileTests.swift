import DLCore
import DLFormats
import DLTestSupport
import Foundation
import Testing

/// Files of torch.save (scripts/golden/make_pytorch_files.py), beside what torch.load makes of them.
@Suite struct PyTorchFileTests {
  let folder = TemporaryFolder()

  static let names = [
    "plain", "protocol4", "wrapped", "model-key", "views", "types", "deflated", "no-checksums",
  ]

  private func path(_ name: String) -> String { golden("pytorch-\(name).pt", of: "GoldenTests") }

  private func bytes(_ name: String) throws -> [UInt8] { try File.contents(of: path(name)) }

  @Test(arguments: names) func everyNumberIsTorchs(_ name: String) throws {
    let expected = try SafetensorsFile(path: golden("pytorch.safetensors", of: "GoldenTests"))
    let wanted = expected.tensors.filter { $0.name.hasPrefix(name + "/") }
    let source = try WeightSources.open(path(name))
    #expect(source is PyTorchFile)
    #expect(Set(source.tensors.map { "\(name)/\($0.name)" }) == Set(wanted.map(\.name)))
    for info in source.tensors {
      let want = try expected.info("\(name)/\(info.name)")
      #expect(try source.bytes(info) == expected.bytes(want), "\(info.name)")
      if name != "types" { #expect(info.shape == want.shape && info.dtype == want.dtype) }
    }
  }

  @Test func typesHaveTheirNames() throws {
    let source = try WeightSources.open(path("types"))
    #expect(
      source.tensors.map { "\($0.name) \($0.dtype.rawValue)" } == [
        "float64 F64", "float32 F32", "float16 F16", "bfloat16 BF16", "int64 I64", "int32 I32",
        "int16 I16", "int8 I8", "uint8 U8", "bool BOOL", "complex64 C64",
      ])
  }

  /// The tensors of several files are those of the whole.
  @Test func anIndexIsFollowed() throws {
    let index = golden("pytorch.safetensors.index.json", of: "GoldenTests")
    let (parts, whole) = (try WeightSources.open(index), try WeightSources.open(path("plain")))
    #expect(parts.tensors.count == whole.tensors.count)
    for info in whole.tensors {
      let part = try #require(parts.tensors.first { $0.name == info.name })
      #expect(try parts.bytes(part) == whole.bytes(info))
    }
  }

  @Test(arguments: [
    ("{}", "has no weight_map"),
    (#"{"weight_map": {"a": "../x.safetensors"}}"#, "is no name of a file"),
    (#"{"weight_map": {"a": 1}}"#, "is no name of a file"),
    (#"{"weight_map": {"a": "x.safetensors"}}"#, "says that x.safetensors holds \"a\""),
    (#"{"weight_map": {"w": "x.safetensors", "v": "y.safetensors"}}"#, "two of its files hold"),
    (#"{"weight_map": {"w": "z.safetensors"}}"#, "No such file"),
    (#"{"weight_map": "#, "JSON"),
  ])
  func faultsOfAnIndexAreNamed(_ text: String, _ expected: String) throws {
    for name in ["x", "y"] {
      try SafetensorsWriter.write(
        [
          SafetensorsTensor(name: "w", dtype: .uint8, shape: [1]) { sink in
            try [UInt8(1)].withUnsafeBytes { try sink($0) }
          }
        ],
        to: folder.path + "/\(name).safetensors")
    }
    let index = try folder.write(text, to: "model.safetensors.index.json")
    let error = try formatError { _ = try WeightSources.open(index) }
    #expect(error?.description.contains(expected) == true, "\(error?.description ?? "read")")
  }

  @Test(arguments: [
    ("legacy", "was written by torch.save without an archive"),
    ("model", "holds torch.nn.modules.container.Sequential beside tensors"),
    ("list", "holds no dictionary of tensors"), ("keys", "its keys are epoch, net"),
    ("script", "is a TorchScript program"), ("state", "holds numpy._core.multiarray.scalar"),
    ("system", "holds posix.system, by which a file runs commands"),
    ("eval", "holds __builtin__.eval, by which a file runs commands"),
    ("loader", "holds torch.storage._load_from_bytes beside tensors"),
    ("big-endian", "was written on a big-endian machine"),
    ("overlap", "two of its members overlap, as in a ZIP bomb"),
    ("lie", "are to unpack to 2147483648, as in a ZIP bomb"),
    ("bomb", "data.pkl has 16777217 bytes, at most 16777216"),
    ("depth", "holds no dictionary of tensors"),
  ])
  func whatIsNoWeightsIsRefused(_ name: String, _ expected: String) throws {
    let error = try formatError { _ = try WeightSources.open(path("refused-" + name)) }
    #expect(error?.kind == .content)
    #expect(error?.description.contains(expected) == true, "\(error?.description ?? "read")")
    let isConvertible = ["legacy", "model", "state", "loader", "big-endian", "script"]
    #expect(error?.advice.contains("python3 -c") == isConvertible.contains(name))
  }

  @Test func aChangedNumberIsFound() throws {
    var bytes = try bytes("plain")
    let file = try WeightSources.open(path("plain"))
    let info = try #require(file.tensors.first { $0.name == "4.weight" })
    let number = try file.bytes(info)
    let place = try #require(
      bytes.indices.first { bytes[$0...].starts(with: number) })
    bytes[place + 3] ^= 1
    let changed = try WeightSources.open(folder.write(bytes))
    let error = try formatError { _ = try changed.bytes(info) }
    #expect(error?.what.contains("the checksum differs") == true)
  }

  /// Cut, changed and grown files end in an error that names the file, or in tensors within it.
  ///
  /// The mutations are the same at each start.
  @Test func tenThousandDamagedFilesAreReadOrRefused() throws {
    let names = ["plain", "views", "wrapped", "deflated", "refused-system", "refused-overlap"]
    let originals = try names.map { try bytes($0) }
    var numbers = Numbers(seed: 29)
    var (refused, opened) = (0, 0)
    // The pickle at the beginning more often than the numbers.
    for turn in 0..<10_000 {
      let bytes = numbers.damaged(originals[turn % originals.count], head: 700)
      let path = try folder.write(bytes)
      do {
        let source = try WeightSources.open(path)
        for info in source.tensors where info.bytes.count < 1 << 20 { _ = try source.bytes(info) }
        opened += 1
      } catch let error as FormatError {
        if error.file != path || error.description.contains("\n") {
          Issue.record("\(turn): \(error)")
        }
        refused += 1
      }
    }
    #expect(refused > 5000 && opened > 100, "\(refused) refused, \(opened) read")
  }
}
