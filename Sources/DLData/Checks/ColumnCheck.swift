import CKernels
import DLCore
import DLFormats
import DLTensor

/// One tensor of a data set file as it is compared with what a loss or a layer takes.
struct ColumnCheck {
  let file: SafetensorsFile
  let info: SafetensorsInfo
  let statistics: ColumnStatistics
  /// Who takes the values, as in "loss: bce".
  let taker: String

  /// Makes the check from statistics of the file, or by a pass over the tensor.
  init(
    _ file: SafetensorsFile, _ info: SafetensorsInfo, _ statistics: FileStatistics?, taker: String
  ) throws {
    self.file = file
    self.info = info
    self.taker = taker
    self.statistics =
      try statistics?.columns[info.name] ?? FileScan.column(info, of: file)
  }

  /// Throws a content error that names the first value outside the domain, with its row.
  ///
  /// The file is read for that only where there is one, and for sequences, which are no matter of
  /// single values.
  func require(_ domain: ValueDomain) throws {
    if domain == .any { return }
    if let first = statistics.firstNonFinite {
      let value = try number(at: first)
      throw fault(
        at: first, "is \(value.isNaN ? "NaN" : value > 0 ? "infinite" : "minus infinite")",
        "correct it or leave the row out")
    }
    if case .objects(let classes) = domain { return try requireObjects(classes, domain.text) }
    guard let bounds = domain.bounds, let range = statistics.range(without: domain.exception)
    else { return }
    if range.lowerBound < bounds.lowerBound || range.upperBound > bounds.upperBound {
      if let first = try firstOutside(bounds, exception: domain.exception) {
        throw fault(
          at: first,
          "\(Self.text(try number(at: first))), outside \(domain.text) (\(taker))",
          Self.advice(domain))
      }
    }
    if case .sequences(_, let blank, let steps) = domain {
      try requireSequences(blank: blank, steps: steps)
    }
  }

  private static func advice(_ domain: ValueDomain) -> String {
    switch domain {
    case .within: "scale the values, as masks of 255 by 1/255, or use another loss"
    case .indices, .sequences: "correct it, or check that data and model belong together"
    default: "correct it or use another loss"
    }
  }

  private static func text(_ value: Double) -> String {
    Int(exactly: value).map { "has \($0)" } ?? "has \(value)"
  }

  /// `row 3: x[0, 5] ...` for an element, counted from the tensor's beginning.
  private func fault(at element: Int, _ what: String, _ advice: String) -> FormatError {
    let each = max(info.shape.dropFirst().reduce(1, *), 1)
    var rest = element % each
    var place: [Int] = []
    for size in info.shape.dropFirst().reversed() {
      place.insert(rest % size, at: 0)
      rest /= size
    }
    let name = info.name + (place.isEmpty ? "" : "\(place)")
    return FormatError(
      .content, file: file.path, "row \(element / each): \(name) \(what)", advice: advice)
  }

  func number(at element: Int) throws -> Double {
    let size = info.dtype.byteCount
    return try withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) { buffer in
      try file.read(info, bytes: element * size..<(element + 1) * size, into: buffer)
      return info.dtype == .float32
        ? Double(buffer.load(as: Float.self)) : Double(buffer.load(as: Int32.self))
    }
  }

  func firstOutside(_ bounds: ClosedRange<Double>, exception: Int32?) throws -> Int? {
    try eachPiece(of: 1) { bytes in
      let base = bytes.baseAddress
      let count = bytes.count / 4
      if info.dtype == .float32 {
        return dl_first_beyond_f32(
          base?.assumingMemoryBound(to: Float.self), count, bounds.lowerBound, bounds.upperBound)
      }
      let labels = base?.assumingMemoryBound(to: Int32.self)
      let (low, high) = (Int32(clamping: bounds.lowerBound), Int32(clamping: bounds.upperBound))
      guard var exception else { return dl_first_beyond_i32(labels, count, low, high, nil) }
      return dl_first_beyond_i32(labels, count, low, high, &exception)
    }
  }

  private func requireObjects(_ classes: Int, _ expected: String) throws {
    guard info.dtype == .float32, info.shape.count == 3, info.shape[2] == 5 else { return }
    let first = try eachPiece(of: 5) { bytes in
      let numbers = bytes.bindMemory(to: Float.self)
      let count = numbers.count / 5
      return (0..<count).first {
        !ValueDomain.isObject(numbers[5 * $0..<5 * $0 + 5].map(Double.init), classes: classes)
      } ?? count
    }
    guard let first else { return }
    let object = try (0..<5).map { "\(try number(at: 5 * first + $0))" }
    throw FormatError(
      .content, file: file.path,
      "row \(first / info.shape[1]): object \(first % info.shape[1]) has class \(object[0]) and edges "
        + "\(object[1...].joined(separator: ", ")), expected \(expected) (\(taker))",
      advice: "correct it; class -1 is for none")
  }

  private func requireSequences(blank: Int, steps: Int?) throws {
    guard info.dtype == .int32, info.shape.count == 2 else { return }
    let width = info.shape[1]
    func misfit(_ steps: Int) throws -> Int? {
      try eachPiece(of: width) { bytes in
        dl_first_ctc_misfit(
          bytes.baseAddress?.assumingMemoryBound(to: Int32.self), bytes.count / 4 / width, width,
          Int32(clamping: blank), steps)
      }
    }
    if let row = try misfit(Int.max) {
      throw FormatError(
        .content, file: file.path,
        "row \(row): \(info.name) has \(blank), which fills rows up at their end, before another value "
          + "(\(taker))",
        advice: "correct the row; under ctc another class is the blank by blank: CLASS")
    }
    if let steps, let row = try misfit(steps) {
      throw FormatError(
        .content, file: file.path,
        "row \(row): the labels in \(info.name) do not fit into the network's \(steps) time steps, "
          + "one for each label and one between equal ones: their loss is infinite",
        advice: "give longer inputs, or leave such rows out of the loss by "
          + "ctc: {zero_infinity: true}")
    }
  }

  /// The first index for which `find` returns less than the number of its elements, in units of
  /// `size` elements, over pieces of whole units; nil where there is none.
  func eachPiece(of size: Int, _ find: (UnsafeMutableRawBufferPointer) throws -> Int) throws
    -> Int?
  {
    let unit = size * info.dtype.byteCount
    let length = max(FilePiece.byteCount / unit, 1) * unit
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(length, max(info.bytes.count, 1)), alignment: 64)
    defer { buffer.deallocate() }
    for begin in stride(from: 0, to: info.bytes.count, by: length) {
      let end = min(begin + length, info.bytes.count)
      let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<(end - begin)])
      try file.read(info, bytes: begin..<end, into: piece)
      let first = try find(piece)
      if first < piece.count / unit { return begin / unit + first }
    }
    return nil
  }
}

extension Int32 {
  /// The nearest number that there is.
  fileprivate init(clamping value: Double) {
    self = Int32(Swift.min(Swift.max(value, Double(Int32.min)), Double(Int32.max)))
  }
}
