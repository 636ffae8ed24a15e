import DLCore

/// A model's tensors in several files, by the index that Hugging Face's libraries write beside them.
///
/// The index (`model.safetensors.index.json`, `pytorch_model.bin.index.json`) is a JSON object whose
/// `weight_map` has the file of each tensor. Every file lies in the folder of the index.
package final class ShardedWeights: WeightSource {
  package let path: String
  package let tensors: [SafetensorsInfo]
  package let metadata: [String: String]

  private let files: [any WeightSource]
  private let places: [ScalarString: Place]

  private struct Place {
    let file: Int
    let info: SafetensorsInfo
  }

  /// The largest index that is read.
  private static let limit = 1 << 26

  /// Opens the index and all files that it names.
  ///
  /// - Throws: `FormatError` where it is no such index, or a file lacks a tensor that it is to hold.
  package init(index path: String) throws {
    func fault(_ what: String, _ advice: String = "download the index and its files again")
      -> FormatError
    { FormatError(.content, file: path, what, advice: advice) }
    let json = try File.contents(of: path, limit: Self.limit).withUnsafeBytes {
      try JSON(parsing: $0, file: path)
    }
    guard let map = json["weight_map"]?.members, !map.isEmpty else {
      throw fault(
        "has no weight_map: it is no index of a model's files",
        "name a safetensors file, a PyTorch file, or a model.safetensors.index.json")
    }
    var names: [String] = []
    var order: [ScalarString: Int] = [:]
    for member in map {
      guard let name = member.value.string, !name.isEmpty, !name.utf8.contains(UInt8(ascii: "/")),
        !name.utf8.contains(0), name != ".."
      else { throw fault("weight_map: the file of \"\(member.key)\" is no name of a file") }
      if order[ScalarString(name)] == nil {
        order[ScalarString(name)] = names.count
        names.append(name)
      }
    }
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    files = try names.map { try WeightSources.openOne(folder + $0) }
    var places: [ScalarString: Place] = [:]
    var tensors: [SafetensorsInfo] = []
    var metadata: [String: String] = [:]
    var end = 0
    for (index, file) in files.enumerated() {
      metadata.merge(file.metadata) { first, _ in first }
      for info in file.tensors {
        let place = Place(file: index, info: info)
        guard places.updateValue(place, forKey: ScalarString(info.name)) == nil else {
          throw fault("two of its files hold \"\(info.name)\"")
        }
        let (next, overflow) = end.addingReportingOverflow(info.bytes.count)
        guard !overflow else { throw fault("its tensors have more bytes than can be counted") }
        tensors.append(
          SafetensorsInfo(
            name: info.name, dtype: info.dtype, shape: info.shape, bytes: end..<next))
        end = next
      }
    }
    for member in map {
      let file = member.value.string.flatMap { order[ScalarString($0)] }
      guard let place = places[ScalarString(member.key)], place.file == file else {
        throw fault(
          "says that \(member.value.string ?? "") holds \"\(member.key)\", which is not there")
      }
    }
    (self.path, self.places, self.tensors, self.metadata) = (path, places, tensors, metadata)
  }

  package func read(_ info: SafetensorsInfo, into buffer: UnsafeMutableRawBufferPointer) throws {
    guard let place = places[ScalarString(info.name)] else {
      throw FormatError(
        .content, file: path, "has no tensor \"\(info.name)\"",
        advice: "list what it holds with dltrain inspect")
    }
    try files[place.file].read(place.info, into: buffer)
  }
}
