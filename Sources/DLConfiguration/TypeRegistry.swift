import Synchronization

/// A list of types that are known by name, which a program can add its own types to.
///
/// All methods may be called from any thread.
public final class TypeRegistry<Entry: Sendable>: Sendable {
  private let entries: Mutex<[Entry]>
  private let name: @Sendable (Entry) -> String

  /// Makes a registry of the types that come with dltrain.
  ///
  /// - Parameters:
  ///   - builtIn: the types in the order in which messages list them.
  ///   - name: gives the name that a type is known by.
  public init(_ builtIn: [Entry], name: @escaping @Sendable (Entry) -> String) {
    entries = Mutex(builtIn)
    self.name = name
  }

  /// All types, those that were registered after those that come with dltrain.
  public var all: [Entry] { entries.withLock { $0 } }

  /// Adds a type; one that has the name of another takes its place.
  public func register(_ entry: Entry) {
    entries.withLock { entries in
      if let index = entries.firstIndex(where: { name($0) == name(entry) }) {
        entries[index] = entry
      } else {
        entries.append(entry)
      }
    }
  }
}
