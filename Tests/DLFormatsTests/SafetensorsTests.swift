import DLCore
import DLFormats
import DLTestSupport
import Foundation
import Testing

@Suite struct SafetensorsTests {
  let folder = TemporaryFolder()

  @Test func readsWhatTheReferenceImplementationWrote() throws {
    let file = try SafetensorsFile(path: golden("reference.safetensors"))
    #expect(file.metadata == ["note": "a\tb"])
    #expect(file.tensors.count == 10)
    #expect(file["f32"]?.shape == [2, 3])
    #expect(file["f32"]?.count == 6)
    #expect(file["f32"]?.rowByteCount == 12)
    #expect(values(try file.bytes("f32"), as: Float.self) == [0, 0.25, 0.5, 0.75, 1, 1.25])
    let doubles = values(try file.bytes("f64"), as: Double.self)
    #expect(doubles.map(\.bitPattern) == [Double.pi, -0.0, 1e300].map(\.bitPattern))
    #expect(values(try file.bytes("i64"), as: Int64.self) == [-(1 << 62), 5])
    #expect(values(try file.bytes("i32"), as: Int32.self) == [-7, 8])
    #expect(try file.bytes("u8") == Array(0..<7))
    #expect(file["f16"]?.dtype == .float16)
    #expect(try file.bytes("flag") == [1, 0, 1])
    #expect(file["scalar"]?.shape == [])
    #expect(values(try file.bytes("scalar"), as: Float.self) == [2.5])
    #expect(file["empty"]?.shape == [0, 4])
    #expect(try file.bytes("empty").isEmpty)
    #expect(try file.bytes("naïve \"name\"\n") == [1])
    #expect(file["absent"] == nil)
  }

  @Test func writesTheReferenceImplementationsBytes() throws {
    let source = try SafetensorsFile(path: golden("reference.safetensors"))
    let tensors = try source.tensors.map { info in
      let bytes = try source.bytes(info.name)
      return SafetensorsTensor(name: info.name, dtype: info.dtype, shape: info.shape) { sink in
        try bytes.withUnsafeBytes { bytes in
          // In two pieces: the file must not depend on how the bytes are handed over.
          try sink(UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count / 2)]))
          try sink(UnsafeRawBufferPointer(rebasing: bytes[(bytes.count / 2)...]))
        }
      }
    }
    for atomically in [true, false] {
      let path = "\(folder.path)/copy.safetensors"
      try SafetensorsWriter.write(
        tensors, metadata: source.metadata, to: path, atomically: atomically)
      #expect(try File.contents(of: path) == File.contents(of: source.path))
    }
    #expect(try File.list(folder.path) == ["copy.safetensors"])
  }

  @Test func alignsEveryTensorWhateverTheOrder() throws {
    let path = "\(folder.path)/mixed.safetensors"
    let byte: [UInt8] = [1]
    let words: [Double] = [1, 2]
    try byte.withUnsafeBytes { byte in
      try words.withUnsafeBytes { words in
        try SafetensorsWriter.write(
          [
            SafetensorsTensor(name: "a", dtype: .uint8, shape: [1], bytes: byte),
            SafetensorsTensor(name: "b", dtype: .float64, shape: [2], bytes: words),
            SafetensorsTensor(name: "c", dtype: .uint8, shape: [1], bytes: byte),
          ], to: path)
      }
    }
    let file = try SafetensorsFile(path: path)
    #expect(file.tensors.map(\.name) == ["b", "a", "c"])
    for tensor in file.tensors {
      #expect(tensor.bytes.lowerBound % tensor.dtype.byteCount == 0)
    }
    #expect(values(try file.bytes("b"), as: Double.self) == words)
  }

  @Test func readsRowsAndRefusesOthers() throws {
    let file = try SafetensorsFile(path: golden("reference.safetensors"))
    let info = try file.info("f32")
    var row = [Float](repeating: 0, count: 3)
    try row.withUnsafeMutableBytes { try file.read(info, rows: 1..<2, into: $0) }
    #expect(row == [0.75, 1, 1.25])
    for rows in [-1..<0, 1..<3, 0..<2] {
      let error = try formatError {
        try row.withUnsafeMutableBytes { try file.read(info, rows: rows, into: $0) }
      }
      #expect(error?.exitCode == .data)
    }
    #expect(try formatError { _ = try file.info("absent") }?.what.contains("absent") == true)
  }

  @Test func aFileCutShortInUseIsAnError() throws {
    let bytes = try File.contents(of: golden("reference.safetensors"))
    let path = try folder.write(bytes)
    let file = try SafetensorsFile(path: path)
    try File(path, .update).truncate(to: bytes.count - 3)
    let error = try formatError { _ = try file.bytes("flag") }
    #expect(error?.exitCode == .data)
    #expect(error?.file == path)
    #expect(error?.offset == bytes.count - 3)
    #expect(error?.description.contains("cut short") == true)
  }

  @Test func everyTruncationIsATypedError() throws {
    for name in ["reference.safetensors", "small.safetensors"] {
      let bytes = try File.contents(of: golden(name))
      for count in 0..<bytes.count {
        let path = try folder.write(Array(bytes[..<count]))
        let error = try formatError { _ = try SafetensorsFile(path: path) }
        #expect(error?.exitCode == .data, "\(name) cut to \(count) bytes")
      }
    }
  }

  @Test func noFlippedByteCanTrap() throws {
    let bytes = try File.contents(of: golden("small.safetensors"))
    for position in bytes.indices {
      let values = (0..<8).map { bytes[position] ^ 1 << $0 } + Array("\"{}[],:\\09-".utf8)
      for value in values where value != bytes[position] {
        var damaged = bytes
        damaged[position] = value
        let path = try folder.write(damaged)
        // Some flips leave a valid file of another name; all its tensors must then be readable.
        let error = try formatError {
          let file = try SafetensorsFile(path: path)
          for tensor in file.tensors { _ = try file.bytes(tensor.name) }
        }
        #expect(error == nil || error?.exitCode == .data)
      }
    }
  }

  @Test(arguments: [
    (#"[]"#, "no header"),
    (#"{"a":1}"#, "is no object"),
    (#"{"a":{}}"#, "no dtype"),
    (#"{"a":{"dtype":"U9","shape":[1],"data_offsets":[0,1]}}"#, "unknown dtype"),
    (#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}"#, "unknown field"),
    (#"{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}"#, "natural number"),
    (#"{"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}"#, "natural number"),
    (#"{"a":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,1]}}"#, "natural"),
    (#"{"a":{"dtype":"F64","shape":[4611686018427387904,4],"data_offsets":[0,1]}}"#, "overflows"),
    (#"{"a":{"dtype":"F64","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}}"#, "overflows"),
    (#"{"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}}"#, "9 dimensions"),
    (#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}"#, "ascending"),
    (#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[-1,0]}}"#, "ascending"),
    (#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}}"#, "ascending"),
    (#"{"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]}}"#, "cut short"),
    (#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,9223372036854775807]}}"#, "cut short"),
    (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, "needs 8 bytes and has 4"),
    (#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#, "2 bytes after"),
    (#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#, "gap"),
    (
      #"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#,
      "overlaps"
    ),
    (#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"a":{}}"#, "duplicate key"),
    (#"{"__metadata__":{"a":1}}"#, "no string"),
    (#"{"__metadata__":[]}"#, "no object"),
    (#"{"a":NaN}"#, "expected a value"),
  ])
  func refusesWhatDoesNotAddUp(header: String, message: String) throws {
    let path = try folder.write(safetensors(header, data: [0, 0, 0, 0]))
    let error = try formatError { _ = try SafetensorsFile(path: path) }
    #expect(error?.exitCode == .data)
    #expect(error?.description.contains(message) == true, "\(error?.description ?? "accepted")")
    #expect(error?.description.hasPrefix(path) == true)
  }

  @Test func refusesAHeaderLongerThanTheFile() throws {
    for length in [UInt64.max, 1 << 63, 100_000_001, 100_000_000, 9] {
      let bytes = withUnsafeBytes(of: length.littleEndian) { Array($0) } + Array("{}".utf8)
      let path = try folder.write(bytes)
      #expect(try formatError { _ = try SafetensorsFile(path: path) }?.exitCode == .data)
    }
  }

  @Test func aFullDiskIsAnIOError() throws {
    let data = [UInt8](repeating: 1, count: 1 << 16)
    let error = try formatError {
      try data.withUnsafeBytes { bytes in
        try SafetensorsWriter.write(
          [SafetensorsTensor(name: "a", dtype: .uint8, shape: [1 << 16], bytes: bytes)],
          to: "/dev/full", atomically: false)
      }
    }
    #expect(error?.exitCode == .io)
    #expect(error?.description.contains("No space left") == true)
    #expect(error?.advice.contains("free some space") == true)
  }

  @Test func aFailedWriteLeavesTheOldFileAndNoTemporary() throws {
    let path = try folder.write([1, 2, 3], to: "model.safetensors")
    struct Stop: Error {}
    let tensor = SafetensorsTensor(name: "a", dtype: .uint8, shape: [8]) { sink in
      try [UInt8](repeating: 0, count: 4).withUnsafeBytes { try sink($0) }
      throw Stop()
    }
    #expect(throws: Stop.self) { try SafetensorsWriter.write([tensor], to: path) }
    let short = SafetensorsTensor(name: "a", dtype: .uint8, shape: [8]) { _ in }
    let error = try formatError { try SafetensorsWriter.write([short], to: path) }
    #expect(error?.file == path)
    #expect(try File.contents(of: path) == [1, 2, 3])
    #expect(try File.list(folder.path) == ["model.safetensors"])
  }

  @Test func refusesNamesTwiceAndImpossibleShapes() throws {
    let path = "\(folder.path)/x"
    let one = SafetensorsTensor(name: "a", dtype: .uint8, shape: [0]) { _ in }
    let shapes = [[-1], [Int.max, 2], [1, 1, 1, 1, 1, 1, 1, 1, 1]]
    let bad = shapes.map { shape in
      [SafetensorsTensor(name: "a", dtype: .uint8, shape: shape) { _ in }]
    }
    for tensors in bad + [[one, one]] {
      #expect(try formatError { try SafetensorsWriter.write(tensors, to: path) }?.exitCode == .data)
    }
    #expect(!File.exists(path))
  }
}
