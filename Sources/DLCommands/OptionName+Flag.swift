import DLCore

extension OptionName {
  /// The flag of the command line, as `--stop-at`.
  var flag: String {
    rawValue.reduce("--") { $1.isUppercase ? $0 + "-" + $1.lowercased() : $0 + String($1) }
  }
}
