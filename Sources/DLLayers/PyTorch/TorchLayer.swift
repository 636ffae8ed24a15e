import DLTensor

/// A layer that can be written as PyTorch code: `dltrain export --format torch`.
///
/// The expression makes a module whose parameters have the layer's names. Between modules images are
/// `[batch, channels, height, width]`, as PyTorch has them, and everything else lies as in dltrain,
/// sequences as `[batch, length, channels]`.
///
/// ```swift
/// extension LayerScale: TorchLayer {
///   public func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
///     program.define("LayerScale", "class LayerScale(nn.Module): ...")
///     return .call("LayerScale", ["\(input.last)"])
///   }
/// }
/// ```
public protocol TorchLayer: Layer {
  /// The expression that makes the layer for rows of shape `input`.
  ///
  /// - Throws: ``LayerExportError`` for options that have no such form.
  func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression
}

/// A layer of the package that can be written as PyTorch code, which is ``TorchLayer`` without being a
/// part of what programs see.
package protocol BuiltInTorchLayer: Layer {
  /// The expression that makes the layer for rows of shape `input`, as ``TorchLayer`` has it.
  ///
  /// - Throws: ``LayerExportError`` for options that have no such form.
  func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression
}

/// Python that makes a module: a call with arguments, or any other words.
public struct TorchExpression: ExpressibleByStringInterpolation {
  private indirect enum Form {
    case words(String)
    case call(String, [(keyword: String?, value: TorchExpression)])
    case dictionary([(key: String, value: TorchExpression)])
    case list(of: TorchExpression, count: Int)
  }

  private let form: Form

  private init(_ form: Form) { self.form = form }

  /// Words as they are.
  public init(stringLiteral value: String) { self.init(.words(value)) }

  /// A call; options that are nil are left out.
  public static func call(
    _ name: String, _ arguments: [TorchExpression] = [],
    _ options: KeyValuePairs<String, TorchExpression?> = [:]
  ) -> TorchExpression {
    let positional = arguments.map { (keyword: String?.none, value: $0) }
    let named = options.compactMap { key, value in value.map { (keyword: Optional(key), value: $0) }
    }
    return TorchExpression(.call(name, positional + named))
  }

  /// Modules by their names.
  package static func dictionary(_ entries: [(key: String, value: TorchExpression)])
    -> TorchExpression
  {
    TorchExpression(.dictionary(entries))
  }

  /// As many modules of one kind.
  static func list(of module: TorchExpression, count: Int) -> TorchExpression {
    TorchExpression(.list(of: module, count: count))
  }

  /// The name that is called, and its arguments; nil where it is no call.
  var parts: (name: String, arguments: [String])? {
    guard case .call(let name, let arguments) = form else { return nil }
    return (name, arguments.map { TorchExpression.text($0, indent: 12) })
  }

  /// The same call of something that is made of what is called.
  package func calling(_ wrap: (String) -> String) -> TorchExpression {
    guard case .call(let name, let arguments) = form else { return self }
    return TorchExpression(.call(wrap(name), arguments))
  }

  /// The longest line.
  private static let columns = 88

  /// The expression, behind `indent` spaces: on one line, or with a line for each argument.
  func text(indent: Int) -> String {
    let (open, close, items): (String, String, [String])
    let inner = indent + 4
    switch form {
    case .words(let text): return text
    case .call(let name, let arguments):
      (open, close) = (name + "(", ")")
      items = arguments.map { TorchExpression.text($0, indent: inner) }
    case .dictionary(let entries):
      (open, close) = ("{", "}")
      items = entries.map { "\"\($0.key)\": " + $0.value.text(indent: inner) }
    case .list(let module, let count):
      let margin = "\n" + String(repeating: " ", count: indent)
      return
        "[\(margin)    \(module.text(indent: inner))\(margin)    for _ in range(\(count))\(margin)]"
    }
    let line = open + items.joined(separator: ", ") + close
    guard line.contains("\n") || line.count > TorchExpression.columns - indent - 1 else {
      return line
    }
    let margin = String(repeating: " ", count: indent)
    return open + "\n" + items.map { "\(margin)    \($0),\n" }.joined() + margin + close
  }

  private static func text(
    _ argument: (keyword: String?, value: TorchExpression), indent: Int
  ) -> String {
    (argument.keyword.map { $0 + "=" } ?? "") + argument.value.text(indent: indent)
  }
}

extension TorchExpression {
  /// A number, or nil where it is the one that is left out.
  package static func number(_ value: Int, unless usual: Int) -> TorchExpression? {
    value == usual ? nil : "\(value)"
  }

  /// A number, or nil where it is the one that is left out.
  package static func number(_ value: Double, unless usual: Double) -> TorchExpression? {
    value == usual ? nil : "\(value)"
  }

  /// A truth, or nil where it is the one that is left out.
  static func flag(_ value: Bool, unless usual: Bool) -> TorchExpression? {
    value == usual ? nil : value ? "True" : "False"
  }

  /// One number where both are the same, or nil where they are what is left out.
  static func size(_ value: Size2d, unless usual: Size2d? = nil) -> TorchExpression? {
    if let usual, value == usual { return nil }
    return value.height == value.width ? "\(value.height)" : "(\(value.height), \(value.width))"
  }

  /// Whole numbers in parentheses.
  static func tuple(_ values: [Int]) -> TorchExpression {
    "(\(values.map(String.init).joined(separator: ", "))\(values.count == 1 ? "," : ""))"
  }
}
