import DLCore

/// A name that two types of a registry have.
public struct RegistryError: DLError {
  /// One line: the name, both types, and what to do.
  public let description: String
  /// 64.
  public var exitCode: ExitCode { .usage }
}

/// The types that names in a configuration stand for: those that come with dltrain, and those that
/// a program registers.
///
/// All methods may be called from any thread.
package final class TypeRegistry<Entry: Sendable>: Sendable {
  /// The types that come with dltrain.
  package let builtIn: [Entry]

  private let noun: String
  private let key: @Sendable (Entry) -> (name: String, type: Any.Type)
  private let registered = Monitor<[Entry]>([])

  /// Makes a registry.
  ///
  /// - Parameters:
  ///   - noun: what a name stands for, as in "layer".
  ///   - builtIn: the types that come with dltrain, in the order in which messages list them.
  ///   - key: gives the name of a type, and the type.
  package init(
    _ noun: String, _ builtIn: [Entry],
    key: @escaping @Sendable (Entry) -> (name: String, type: Any.Type)
  ) {
    self.noun = noun
    self.builtIn = builtIn
    self.key = key
  }

  /// All types, those that were registered after those that come with dltrain.
  package var all: [Entry] { builtIn + registered.withLock { $0 } }

  /// Adds a type; one that is there already is not added again.
  ///
  /// - Throws: ``RegistryError`` where another type has the same name.
  package func register(_ entry: Entry) throws {
    let (name, type) = key(entry)
    try registered.withLock { list in
      guard let other = (builtIn + list).map(key).first(where: { $0.name == name }) else {
        list.append(entry)
        return
      }
      guard other.type == type else {
        let (old, new) = (String(reflecting: other.type), String(reflecting: type))
        throw RegistryError(
          description: "\(noun) \(name): \(old) has this name already, give \(new) another")
      }
    }
  }
}

/// The types that are asked in turn which of them takes something: a program's own before those
/// that come with dltrain, the last one added first.
///
/// All methods may be called from any thread.
package final class TurnRegistry<Entry>: Sendable {
  private let entries: Monitor<[Entry]>

  /// Makes a registry of the types that come with dltrain, in their order.
  package init(_ builtIn: [Entry]) { entries = Monitor(builtIn) }

  /// All types in the order in which they are asked.
  package var all: [Entry] { entries.withLock { $0 } }

  /// Adds a type in front of all others.
  package func register(_ entry: Entry) { entries.withLock { $0.insert(entry, at: 0) } }
}
