import DLCore

/// The tensors of a file that `torch.save` wrote: a state_dict, alone or in a dictionary with other
/// things.
///
/// Nothing of the file is run: its pickle is read for tensors alone (``Pickle``), and whatever names
/// another class is refused. Tensors are read from the archive when they are asked for, views of any
/// strides and of shared storages among them; a checksum that the archive has is compared where a
/// tensor is a whole storage.
///
/// Counterpart: `torch.load(FILE, weights_only=True)`.
package final class PyTorchFile: WeightSource {
  package var path: String { file.path }
  package let tensors: [SafetensorsInfo]
  package var metadata: [String: String] { [:] }

  private let file: File
  private let stamp: File.Stamp
  private let archive: ZipArchive
  private let views: [ScalarString: View]

  private struct View {
    let member: ZipArchive.Member
    let tensor: PickledTensor
    let width: Int
  }

  /// The largest pickle that is read: some hundred thousand tensors.
  static let pickleLimit = 1 << 24
  /// The keys under which programs keep a state_dict beside other things.
  static let stateKeys = ["state_dict", "model_state_dict", "model"]

  /// Opens a file and checks it as a whole, but for the numbers of its tensors.
  ///
  /// - Throws: `FormatError`; of what cannot be read safely it says how Python converts it.
  package init(path: String) throws {
    let file = try File(path, .read)
    stamp = try file.stamp()
    let archive = try ZipArchive(file)
    (self.file, self.archive) = (file, archive)
    let contents = try Contents(archive)
    let pickle = try contents.pickle()
    let tensors = try contents.state(pickle)
    var members: [ScalarString: ZipArchive.Member] = [:]
    for member in archive.members { members[ScalarString(member.name)] = member }
    var infos: [SafetensorsInfo] = []
    var views: [ScalarString: View] = [:]
    var end = 0
    for (name, tensor) in tensors {
      let storage = pickle.storages[tensor.storage]
      let width = storage.type.byteCount
      let member = members[ScalarString(contents.folder + "data/" + storage.key)]
      // A storage of nothing may have no member.
      guard let member, storage.count <= member.count / width else {
        throw ZipArchive.fault(file, "\"\(name)\": its storage is not in the archive, or too short")
      }
      let count = tensor.shape.reduce(width, *)
      let (next, overflow) = end.addingReportingOverflow(count)
      guard !overflow else {
        throw ZipArchive.fault(file, "its tensors have more bytes than can be counted")
      }
      infos.append(
        SafetensorsInfo(name: name, dtype: storage.type, shape: tensor.shape, bytes: end..<next))
      views[ScalarString(name)] = View(member: member, tensor: tensor, width: width)
      end = next
    }
    (self.tensors, self.views) = (infos, views)
  }

  package func read(_ info: SafetensorsInfo, into buffer: UnsafeMutableRawBufferPointer) throws {
    guard let view = views[ScalarString(info.name)], buffer.count == info.bytes.count else {
      throw FormatError(
        .content, file: path, "has no tensor \"\(info.name)\" of \(buffer.count) bytes",
        advice: "list what it holds with dltrain inspect")
    }
    if !buffer.isEmpty {
      let strides = StridedCopy(view.tensor, width: view.width)
      if strides.isContiguous {
        try archive.read(strides.span, of: view.member, into: buffer)
      } else {
        try readStrided(strides, view.member, info.name, into: buffer)
      }
    }
    guard try file.stamp() == stamp else {
      throw FormatError(
        .content, file: path, "was changed while it is in use",
        advice: "start again with the file as it is to be; replace files by renaming another")
    }
  }

  private func readStrided(
    _ strides: StridedCopy, _ member: ZipArchive.Member, _ name: String,
    into buffer: UnsafeMutableRawBufferPointer
  ) throws {
    // A view of a few elements far apart must not take the memory of all between them.
    guard strides.span.count <= max(64 * buffer.count, 1 << 24) else {
      throw FormatError(
        .content, file: path,
        "\"\(name)\" is a view of few elements of a large storage",
        advice: "write it by torch.save after .contiguous()")
    }
    let source = UnsafeMutableRawBufferPointer.allocate(
      byteCount: strides.span.count, alignment: 16)
    defer { source.deallocate() }
    try archive.read(strides.span, of: member, into: source)
    strides.copy(UnsafeRawBufferPointer(source), to: buffer)
  }
}

extension PyTorchFile {
  /// The way to have Python write a safetensors file of what is not read here.
  ///
  /// - Parameter runningCode: whether Python has to run code of the file for it.
  static func conversion(of path: String, runningCode: Bool) -> String {
    "python3 -c \"import torch, safetensors.torch as s; "
      + "m = torch.load('\(oneLine(path))', map_location='cpu', weights_only=\(runningCode ? "False" : "True")); "
      + "m = m.state_dict() if hasattr(m, 'state_dict') else "
      + "next((m[k] for k in ('state_dict', 'model_state_dict', 'model') if k in m), m); "
      + "s.save_file({k: v.contiguous().clone() for k, v in m.items()}, 'weights.safetensors')\""
  }
}

/// The members that an archive of `torch.save` has.
private struct Contents {
  let archive: ZipArchive
  /// The beginning of the names of all members, as in `model/`.
  let folder: String
  private let data: ZipArchive.Member

  init(_ archive: ZipArchive) throws {
    let file = archive.file
    self.archive = archive
    guard
      let data = archive.members.first(where: {
        $0.name == "data.pkl" || $0.name.ends(with: "/data.pkl")
      })
    else {
      let kind = FileKind(try Self.head(of: file)).map(\.name) ?? "a ZIP archive"
      throw ZipArchive.fault(
        file, "is \(kind), not a file of torch.save", at: 0,
        advice: FileKind(try Self.head(of: file))?.conversion ?? "name another file")
    }
    self.data = data
    folder = String(data.name.dropLast("data.pkl".count))
    func member(_ name: String) -> ZipArchive.Member? {
      archive.members.first { $0.name.hasScalars(of: folder + name) }
    }
    if member("constants.pkl") != nil {
      throw ZipArchive.fault(
        file, "is a TorchScript program, whose weights are not read from it",
        advice: "write them by python3 -c \"import torch, safetensors.torch as s; "
          + "s.save_model(torch.jit.load('\(oneLine(file.path))'), 'weights.safetensors')\"")
    }
    if let order = member("byteorder"), try archive.contents(of: order, limit: 64) != Self.little {
      throw ZipArchive.fault(
        file, "was written on a big-endian machine",
        advice: "convert it: " + PyTorchFile.conversion(of: file.path, runningCode: false))
    }
  }

  private static let little = Array("little".utf8)

  private static func head(of file: File) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: FileKind.byteCount) { buffer, count in
      count = try file.readAvailable(into: UnsafeMutableRawBufferPointer(buffer), at: 0)
    }
  }

  func pickle() throws -> Pickle {
    do {
      return try Pickle(archive.contents(of: data, limit: PyTorchFile.pickleLimit))
    } catch let fault as PickleFault {
      let file = archive.file
      switch fault {
      case .damaged(let what, let place):
        throw ZipArchive.fault(file, "its pickle \(what), at its byte \(place)")
      case .name(let name) where Self.isHarmful(name):
        throw ZipArchive.fault(
          file, "holds \(name), by which a file runs commands where it is loaded",
          advice: "do not load it in Python either, and get the weights elsewhere")
      case .name(let name):
        throw ZipArchive.fault(
          file, "holds \(name) beside tensors, and no code of a file is run",
          advice: Self.trusting(file.path))
      case .unneeded(let what):
        throw ZipArchive.fault(
          file, "its pickle \(what), which no dictionary of tensors needs",
          advice: Self.trusting(file.path))
      }
    }
  }

  /// Returns whether a name is one that no weights need and attacks are made of.
  private static func isHarmful(_ name: String) -> Bool {
    let module = name.parts(at: ".", limit: 1)[0]
    let functions = ["eval", "exec", "compile", "getattr", "__import__", "open", "apply"]
    return [
      "posix", "nt", "os", "sys", "subprocess", "runpy", "shutil", "socket", "importlib", "pty",
      "webbrowser", "ctypes",
    ].contains(module)
      || ["builtins", "__builtin__"].contains(module)
        && functions.contains { name.ends(with: ".\($0)") }
  }

  private static func trusting(_ path: String) -> String {
    "save its state_dict alone, or convert it where you trust it: "
      + PyTorchFile.conversion(of: path, runningCode: true)
  }

  /// The tensors of the state_dict, by their names; of equal names the last.
  func state(_ pickle: Pickle) throws -> [(name: String, tensor: PickledTensor)] {
    guard case .dictionary(var index) = pickle.root else { throw noState([]) }
    func entries(_ index: Int) -> [(key: String, value: PickleValue)] {
      pickle.dictionaries[index].compactMap {
        guard case .text(let key) = $0.key else { return nil }
        return (key, $0.value)
      }
    }
    // Within, as in {"model": {"state_dict": ...}}, no deeper than there are keys.
    for _ in PyTorchFile.stateKeys {
      let inner = PyTorchFile.stateKeys.lazy.compactMap { key -> Int? in
        guard case .dictionary(let inner)? = entries(index).last(where: { $0.key == key })?.value
        else { return nil }
        return inner
      }.first
      guard let inner else { break }
      index = inner
    }
    var places: [ScalarString: Int] = [:]
    var found: [(name: String, tensor: PickledTensor)] = []
    for (name, value) in entries(index) {
      guard case .tensor(let tensor) = value else { continue }
      let entry = (name, pickle.tensors[tensor])
      if let place = places.updateValue(found.count, forKey: ScalarString(name)) {
        places[ScalarString(name)] = place
        found[place] = entry
      } else {
        found.append(entry)
      }
    }
    guard !found.isEmpty else { throw noState(entries(index).map(\.key)) }
    return found
  }

  private func noState(_ keys: [String]) -> FormatError {
    let shown = keys.prefix(6).joined(separator: ", ") + (keys.count > 6 ? ", ..." : "")
    return ZipArchive.fault(
      archive.file,
      "holds no dictionary of tensors by itself or under "
        + PyTorchFile.stateKeys.joined(separator: ", ")
        + (keys.isEmpty ? "" : "; its keys are \(shown)"),
      advice: "write the model's own: torch.save(model.state_dict(), FILE)")
  }
}
