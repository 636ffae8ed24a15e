import DLCore

/// A choice of the weights of a file and of their places in a model.
package struct WeightSelection: Sendable {
  /// A name of the file with the model's name for it.
  struct Rename: Sendable {
    let old: Glob
    let new: String

    /// The model's name for a name of the file; nil where the rule does not match it.
    ///
    /// Each star of the new name stands for what the star of the old name in the same place does.
    func callAsFunction(_ name: String) -> String? {
      guard let captures = old.captures(name) else { return nil }
      let parts = new.parts(at: "*")
      return zip(parts.dropFirst(), captures).reduce(String(parts[0])) { $0 + $1.1 + $1.0 }
    }
  }

  /// The rules for names, those that tell more of a name first.
  let renames: [Rename]
  /// The tensors that start anew, by patterns over names.
  let exceptions: [Glob]
  /// True if all other weights need their partners.
  let isStrict: Bool
  /// True if what has another shape in the file starts anew too.
  let passesOtherShapes: Bool

  /// Makes a selection; all of a file for all of a model unless told otherwise.
  ///
  /// - Parameters:
  ///   - rename: names of the file, or patterns over them, with the model's names for them.
  ///   - except: patterns over names of what starts anew.
  ///   - isStrict: whether every other weight of both sides needs its partner.
  ///   - passesOtherShapes: whether weights of other shapes start anew too.
  package init(
    rename: [String: String] = [:], except: [String] = [], isStrict: Bool = true,
    passesOtherShapes: Bool = false
  ) {
    renames = rename.map { Rename(old: Glob($0.key), new: $0.value) }.sorted {
      ($1.old.literalCount, ScalarString($0.old.text))
        < ($0.old.literalCount, ScalarString($1.old.text))
    }
    exceptions = except.map { Glob($0) }
    self.isStrict = isStrict
    self.passesOtherShapes = passesOtherShapes
  }

  /// Returns whether the weight of a name starts anew.
  func excepts(_ name: String) -> Bool { exceptions.contains { $0.matches(name) } }
}
