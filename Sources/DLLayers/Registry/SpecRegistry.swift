import DLCluster
import DLCore

/// A name that two types of a registry have.
public struct RegistryError: DLError {
  /// One line: the name, both types, and what to do.
  public let description: String
  /// 64.
  public var exitCode: ExitCode { .usage }
}

/// The types that names in a configuration stand for: the library's own, and those that a program
/// registers.
package final class SpecRegistry<Spec: Sendable>: Sendable {
  /// The library's own types.
  package let builtIn: [Spec]

  private let noun: String
  private let key: @Sendable (Spec) -> (name: String, type: Any.Type)
  private let registered = Monitor<[Spec]>([])

  /// Makes a registry of the library's own types.
  ///
  /// - Parameters:
  ///   - noun: what a name stands for, as in "layer".
  ///   - key: the name of a type, and the type.
  package init(
    _ noun: String, _ builtIn: [Spec],
    key: @escaping @Sendable (Spec) -> (name: String, type: Any.Type)
  ) {
    self.noun = noun
    self.builtIn = builtIn
    self.key = key
  }

  /// All types, the library's first.
  package var specs: [Spec] { builtIn + registered.withLock { $0 } }

  /// Adds a type; one that is there already is not added again.
  ///
  /// - Throws: ``RegistryError`` where another type has the same name.
  package func register(_ spec: Spec) throws {
    let (name, type) = key(spec)
    try registered.withLock { list in
      guard let other = (builtIn + list).map(key).first(where: { $0.name == name }) else {
        list.append(spec)
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
