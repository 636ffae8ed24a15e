import DLCore

extension OptionName {
  /// The flag of the command line, as `--stop-at`; short where every page writes it so.
  var flag: String {
    switch self {
    case .output: return "-o"
    case .processes: return "-n"
    default: break
    }
    return rawValue.reduce("--") { $1.isUppercase ? $0 + "-" + $1.lowercased() : $0 + String($1) }
  }
}
