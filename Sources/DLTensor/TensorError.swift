import DLCore

/// An op that cannot be carried out: shapes that do not fit, a value outside its domain, memory
/// that is not there.
public struct TensorError: DLError {
  /// The op, as in `conv2d`.
  public let op: String
  /// The misfit, with the shapes concerned.
  public let detail: String
  /// The path of the layer that ran the op, as in `layer3.0.conv1`; nil outside a layer.
  public var path: String?
  /// The exit code; wrong shapes come from the configuration or the program, so 64 by default.
  public let exitCode: ExitCode

  /// Makes an error of an op.
  public init(op: String, _ detail: String, path: String? = nil, exitCode: ExitCode = .usage) {
    self.op = op
    self.detail = detail
    self.path = path
    self.exitCode = exitCode
  }

  /// `layer3.0.conv1: conv2d: input has 64 channels, weight expects 128`.
  public var description: String { (path.map { "\($0): " } ?? "") + "\(op): \(detail)" }
}
