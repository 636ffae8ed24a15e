import DLCore
import DLFormats

/// A match of a file's tensors with those of a model, by one way to read the names.
struct WeightMatch {
  let names: WeightNames
  let selection: WeightSelection
  /// The model's last parameter.
  let lastParameter: String
  /// Tensors of the file that hold no weights, and are passed over.
  let constants: [String]
  /// The tensors of the model with those of the file.
  private(set) var sources: [(entry: StateDict.Entry, info: SafetensorsInfo)] = []
  /// First names of the model that the file lacks.
  private(set) var missing: [String] = []
  /// First names of the model that are to start anew.
  private(set) var excepted: [String] = []
  /// Tensors of the file that the model lacks.
  private(set) var surplus: [SafetensorsInfo] = []
  /// A pattern that matches nothing, with the key that has it.
  private(set) var unused: (key: String, text: String)?

  init(
    _ state: StateDict, _ names: WeightNames, _ selection: WeightSelection, constants: [String]
  ) {
    self.constants = constants
    self.names = names
    self.selection = selection
    lastParameter = state.lastParameter ?? ""
    let entries = Dictionary(
      state.entries.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var used: Set<String> = []
    for all in state.names {
      let group = all.filter { !selection.excepts($0) }
      guard let first = group.first else {
        excepted += all.prefix(1)
        continue
      }
      let found = group.compactMap { name -> (entry: StateDict.Entry, info: SafetensorsInfo)? in
        guard let entry = entries[name], let info = names.find(name) else { return nil }
        return (entry, info)
      }
      used.formUnion(found.map(\.info.name))
      sources += found
      // Counters start at 0 where a file has none.
      if found.isEmpty, entries[first]?.tensor.dtype != .int64 { missing.append(first) }
    }
    surplus = names.tensors
      .filter { !used.contains($1.name) && !$1.isCounter && !selection.excepts($0) }.values
      .sorted { $0.bytes.lowerBound < $1.bytes.lowerBound }
    let known = state.names.flatMap { $0 } + names.tensors.keys
    unused =
      names.unusedRename.map { ("rename", $0) }
      ?? selection.exceptions.first { glob in !known.contains { glob.matches($0) } }
      .map { ("except", $0.text) }
  }

  /// Pairs that can be read.
  var readable: [(entry: StateDict.Entry, info: SafetensorsInfo)] {
    sources.filter { $0.entry.difference(from: $0.info) == nil }
  }

  /// Pairs that cannot be read: other shapes or types.
  var unreadable: [(entry: StateDict.Entry, info: SafetensorsInfo, what: String)] {
    sources.compactMap { entry, info in entry.difference(from: info).map { (entry, info, $0) } }
  }

  /// Names without a partner.
  var unmatched: Int { missing.count + surplus.count }

  /// True if every tensor has a partner that fits.
  var isComplete: Bool { unmatched == 0 && unreadable.isEmpty }

  /// True if the selection takes it: of a part, one weight at least.
  var isAcceptable: Bool {
    (unmatched == 0 || !selection.isStrict) && (unreadable.isEmpty || selection.passesOtherShapes)
      && (!readable.isEmpty || missing.isEmpty && unreadable.isEmpty)
  }

  /// A line on names that were read otherwise than they stand in the file, on what of it was left and
  /// on what starts anew; nil where there is nothing to say.
  func note(_ path: String) -> String? {
    let fresh = missing + unreadable.map(\.entry.name) + excepted
    var parts = [names.note].compactMap(\.self)
    if !constants.isEmpty {
      parts.append("\(shown(constants, most: 1)) passed over: masks and positions are no weights")
    }
    if !fresh.isEmpty || !surplus.isEmpty {
      parts.append("took \(readable.count) of \(counted(names.tensors.count, "tensor"))")
    }
    if !surplus.isEmpty { parts.append("\(shown(surplus.map(\.name))) of the file left over") }
    if !fresh.isEmpty {
      parts.append("\(shown(fresh)) \(fresh.count == 1 ? "starts" : "start") anew")
    }
    return parts.isEmpty ? nil : "\(path): " + parts.joined(separator: "; ")
  }

  private func shown(_ names: [String], most: Int = 12) -> String {
    names.prefix(most).joined(separator: ", ")
      + (names.count > most ? " and \(names.count - most) more" : "")
  }
}
