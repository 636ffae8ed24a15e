import DLConfiguration
import DLCore

/// Weights of a file to start from, and what of them is taken.
package struct InitConfiguration: ConfigurationSection {
  /// The file; the command line's unless given.
  package var from: String?
  /// Names of the file, or patterns over them, with the model's names for them.
  package var rename: [String: String] = [:]
  /// Patterns over names of what starts anew, whatever the file holds.
  package var except: [String] = []
  /// True if every other weight of the model and of the file must have its partner.
  package var strict = true

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "from", \.from, .path,
        "weights in a safetensors file, a PyTorch file or the index of several; \(OptionName.initialWeights)'s unless given"
      ),
      .init(
        "rename", \.rename,
        "the model's name for a name of the file; each * stands for what that of the file's name does"
      ),
      .init(
        "except", \.except,
        "names with * for any characters of what starts anew, as in [\"head.*\"]"),
      .init(
        "strict", \.strict,
        "whether every weight of file and model needs its partner, as in load_state_dict"),
    ]
  }

  package func problems() -> [ConfigurationProblem] {
    for (old, new) in rename.sorted(by: { $0.key < $1.key }) {
      let stars = new.utf8.count { $0 == UInt8(ascii: "*") }
      if old.isEmpty || new.isEmpty {
        return [.init("rename", message: "\"\(old)\": \"\(new)\": give two names")]
      }
      if stars > Glob(old).starCount {
        let message =
          "\"\(old)\": \"\(new)\": \(counted(stars, "star")) for "
          + "\(Glob(old).starCount) in the name of the file"
        return [.init("rename", message: message)]
      }
      if new.utf8.contains(where: { [UInt8(ascii: "?"), UInt8(ascii: "[")].contains($0) }) {
        let message = "\"\(new)\": the model's name has stars alone, each as in the file's name"
        return [.init("rename", message: message)]
      }
    }
    return []
  }
}
