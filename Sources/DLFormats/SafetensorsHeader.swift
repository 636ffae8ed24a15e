import DLCore

/// The header of a safetensors file, checked: every range lies in the file and has its shape's
/// size.
struct SafetensorsHeader {
  private(set) var tensors: [SafetensorsInfo] = []
  private(set) var metadata: [(key: String, value: String)] = []
  private let path: String

  init(_ file: File) throws {
    path = file.path
    let fileCount = try file.byteCount()
    try refuseOtherKinds(file)
    guard fileCount >= 8 else {
      throw failure("has \(fileCount) bytes, too few for a safetensors file", at: 0)
    }
    var word: UInt64 = 0
    try withUnsafeMutableBytes(of: &word) { try file.read(into: $0, at: 0) }
    let declared = UInt64(littleEndian: word)
    guard declared <= UInt64(SafetensorsFile.maximumHeaderByteCount) else {
      throw failure("header of \(declared) bytes, at most 100 MB are allowed", at: 0)
    }
    let headerCount = Int(declared)
    guard headerCount <= fileCount - 8 else {
      throw failure("header of \(headerCount) bytes in a file of \(fileCount) bytes", at: 0)
    }
    let bytes = try [UInt8](unsafeUninitializedCapacity: headerCount) { buffer, count in
      try file.read(into: UnsafeMutableRawBufferPointer(buffer), at: 8)
      count = headerCount
    }
    guard bytes.first == UInt8(ascii: "{") else { throw failure("no header begins here", at: 8) }
    let json = try bytes.withUnsafeBytes { try JSON(parsing: $0, file: file.path, start: 8) }
    for member in json.members ?? [] {
      if member.key == "__metadata__" {
        try readMetadata(member.value)
      } else {
        tensors.append(try info(member, dataStart: 8 + headerCount, fileCount: fileCount))
      }
    }
    tensors.sort {
      ($0.bytes.lowerBound, $0.bytes.upperBound) < ($1.bytes.lowerBound, $1.bytes.upperBound)
    }
    try checkCoverage(from: 8 + headerCount, to: fileCount)
  }

  private func failure(_ what: String, at offset: Int? = nil) -> FormatError {
    FormatError(
      .content, file: path, at: offset, what,
      advice: "it is no safetensors file or damaged, make or copy it again")
  }

  /// Names a file of another kind, such as a table or a PyTorch file.
  private func refuseOtherKinds(_ file: File) throws {
    let head = try [UInt8](unsafeUninitializedCapacity: FileKind.byteCount) { buffer, count in
      count = try file.readAvailable(into: UnsafeMutableRawBufferPointer(buffer), at: 0)
    }
    guard !FileKind.isSafetensors(head), let kind = FileKind(head) else { return }
    throw FormatError(
      .content, file: path, at: 0, "is \(kind.name), not a safetensors file",
      advice: kind.conversion)
  }

  private mutating func readMetadata(_ value: JSON) throws {
    guard let members = value.members else { throw failure("__metadata__ is no object") }
    for member in members {
      guard let text = member.value.string else {
        throw failure("__metadata__: \"\(member.key)\" is no string")
      }
      metadata.append((member.key, text))
    }
  }

  private func info(_ member: JSON.Member, dataStart: Int, fileCount: Int) throws -> SafetensorsInfo
  {
    let name = member.key
    guard let fields = member.value.members else {
      throw failure("tensor \"\(name)\" is no object")
    }
    for field in fields where !["dtype", "shape", "data_offsets"].contains(field.key) {
      throw failure("tensor \"\(name)\": unknown field \"\(field.key)\"")
    }
    guard let code = member.value["dtype"]?.string else {
      throw failure("tensor \"\(name)\" has no dtype")
    }
    guard let dtype = SafetensorsType(rawValue: code) else {
      throw failure("tensor \"\(name)\": unknown dtype \"\(code)\"")
    }
    guard let sizes = member.value["shape"]?.array else {
      throw failure("tensor \"\(name)\" has no shape")
    }
    guard sizes.count <= SafetensorsFile.maximumRank else {
      throw failure("tensor \"\(name)\" has \(sizes.count) dimensions, at most 8 are supported")
    }
    // Zeros must not hide an overflow of the others: `rowByteCount` multiplies without them.
    var bound = dtype.byteCount
    var shape: [Int] = []
    for size in sizes {
      guard let size = size.int, size >= 0 else {
        throw failure("tensor \"\(name)\": a dimension is no natural number")
      }
      let (product, overflow) = bound.multipliedReportingOverflow(by: max(size, 1))
      guard !overflow else { throw failure("tensor \"\(name)\": the shape overflows") }
      bound = product
      shape.append(size)
    }
    let needed = shape.contains(0) ? 0 : bound
    guard let pair = member.value["data_offsets"]?.array, pair.count == 2, let begin = pair[0].int,
      let end = pair[1].int, begin >= 0, end >= begin
    else { throw failure("tensor \"\(name)\": data_offsets are no ascending pair of numbers") }
    guard end <= fileCount - dataStart else {
      throw failure(
        "tensor \"\(name)\" ends \(end - (fileCount - dataStart)) bytes after the file's end: "
          + "it was cut short or is still being written", at: fileCount)
    }
    guard end - begin == needed else {
      throw failure(
        "tensor \"\(name)\" of \(code) \(shape) needs \(needed) bytes and has \(end - begin)",
        at: dataStart + begin)
    }
    return SafetensorsInfo(
      name: name, dtype: dtype, shape: shape, bytes: dataStart + begin..<dataStart + end)
  }

  private func checkCoverage(from start: Int, to end: Int) throws {
    var position = start
    for tensor in tensors {
      guard tensor.bytes.lowerBound == position else {
        let fault = tensor.bytes.lowerBound < position ? "overlaps the one before" : "follows a gap"
        throw failure("tensor \"\(tensor.name)\" \(fault)", at: tensor.bytes.lowerBound)
      }
      position = tensor.bytes.upperBound
    }
    guard position == end else {
      throw failure("\(end - position) bytes after the last tensor", at: position)
    }
  }
}
