import DLCore
import DLTensor

/// The inputs and outputs of a network that is written as PyTorch code.
package struct TorchForm {
  /// The words on inputs and outputs, for the description of the class.
  package let description: String
  /// The names of the inputs.
  let arguments: [String]
  /// The lines of `forward` around the network's own; none where that takes the inputs as they are.
  let forward: [String]

  /// Says what a network takes, with the lines between the inputs and it.
  package init(_ description: String, arguments: [String], forward: [String] = []) {
    self.description = description
    self.arguments = arguments
    self.forward = forward
  }

  /// Rows, as they are in data files: images with their channels last.
  ///
  /// - Parameters:
  ///   - type: that of the rows.
  ///   - preparation: lines that make the network's input `x` of the rows.
  ///   - hasLengths: whether rows end at `lengths`, which go beside them.
  ///   - rowsEnd: whether the network notes on the rows where they end.
  package static func rows(
    _ type: String, from input: Shape, to output: Shape, preparation: [String] = [],
    hasLengths: Bool = false, rowsEnd: Bool = false
  ) -> TorchForm {
    func text(_ shape: Shape) -> String {
      "[" + (["batch"] + shape.dimensions.map(String.init)).joined(separator: ", ") + "]"
    }
    var forward = preparation
    if hasLengths {
      forward.append("x = ended(x, lengths)")
    } else if rowsEnd {
      // The note is none on the caller's own tensor.
      forward.append("x = ended(x, None)")
    }
    if input.rank == 3 { forward.append("x = x.permute(0, 3, 1, 2)") }
    if output.rank == 3 {
      forward.append("return super().forward(x).permute(0, 2, 3, 1)")
    } else if !forward.isEmpty {
      forward.append("return super().forward(x)")
    }
    let lengths = hasLengths ? " and lengths int32 [batch]" : ""
    return TorchForm(
      "\(type) \(text(input))\(lengths) to \(text(output))",
      arguments: hasLengths ? ["x", "lengths"] : ["x"], forward: forward)
  }
}

/// A Python file that rebuilds a network in PyTorch.
public final class TorchProgram {
  /// Classes and functions that the network's modules need, in the order in which they came up.
  private var definitions: [(name: String, text: String)] = []
  /// True if rows end, at lengths that are given or where a token for padding begins: modules are then
  /// told where.
  package let rowsEnd: Bool
  /// True once a layer came up that knows a token for padding, behind which rows end.
  package internal(set) var knowsPadding = false

  /// Makes a program without definitions.
  package init(rowsEnd: Bool = false) { self.rowsEnd = rowsEnd }

  /// Adds a class or function, once.
  public func define(_ name: String, _ text: String) {
    guard !defines(name) else { return }
    definitions.append((name, text))
  }

  /// Returns whether there is a class or function of a name.
  func defines(_ name: String) -> Bool { definitions.contains { $0.name == name } }

  /// A layer's expression.
  ///
  /// - Throws: ``LayerExportError`` with the layer's path where it has none.
  public func expression(_ layer: any Layer, for input: Shape) throws -> TorchExpression {
    switch layer {
    case let layer as any BuiltInTorchLayer: return try layer.torch(for: input, in: self)
    case let layer as any TorchLayer: return try layer.torch(for: input, in: self)
    default:
      throw LayerExportError(
        "PyTorch code", layer,
        "its type does not conform to TorchLayer; use \(OptionName.format) safetensors")
    }
  }

  /// A chain's expression, `nn.Identity()` where it is empty.
  func chain(_ chain: Sequential, for input: Shape) throws -> TorchExpression {
    chain.layers.isEmpty ? "nn.Identity()" : try chain.torch(for: input, in: self)
  }

  /// Refuses a network that cannot be told where rows end.
  ///
  /// - Throws: ``LayerExportError`` about `layer` where rows end.
  package func requireWholeRows(_ layer: Module) throws {
    guard rowsEnd else { return }
    throw LayerExportError(
      "PyTorch code", layer,
      "its rows have lengths, which it is not told; use \(OptionName.format) onnx")
  }

  /// A module with channels first, for sequences that have them last.
  func channelsFirst(_ module: String) -> String {
    define(
      "channels_first",
      """
      def channels_first(module):
          \"""`module`, whose channels come first, for [batch, length, channels].\"""

          class ChannelsFirst(module):
              def forward(self, x):
                  return super().forward(x.transpose(1, 2)).transpose(1, 2)

          return ChannelsFirst
      """)
    return "channels_first(\(module))"
  }

  /// A module with channels last, for images that have them first.
  func channelsLast(_ module: String) -> String {
    define(
      "channels_last",
      """
      def channels_last(module):
          \"""`module`, whose channels come last, for [batch, channels, height, width].\"""

          class ChannelsLast(module):
              def forward(self, x):
                  return super().forward(x.movedim(1, -1)).movedim(-1, 1)

          return ChannelsLast
      """)
    return "channels_last(\(module))"
  }

  /// The module as it is for rows of numbers and texts, and with its channels last for images.
  func onLastAxis(_ module: String, _ input: Shape) -> String {
    input.rank == 3 ? channelsLast(module) : module
  }

  /// The file's text.
  ///
  /// - Parameters:
  ///   - title: the first line of the file's description.
  ///   - module: the file's name without its ending, which that of the weights beside it has too.
  ///   - form: what the network takes and gives.
  package func text(
    _ network: TorchExpression, title: String, module: String, form: TorchForm
  ) -> String {
    let (name, arguments) = network.parts ?? ("nn.Sequential", [network.text(indent: 12)])
    let all = definitions.map(\.text).joined(separator: "\n\n\n")
    let given = form.arguments.joined(separator: ", ")
    let method =
      form.forward.isEmpty
      ? ""
      : "\n    def forward(self, \(given)):\n" + form.forward.map { "        \($0)\n" }.joined()
    let isShort = arguments.joined(separator: ", ").count < 60 && arguments.count < 4
    let call =
      isShort
      ? "super().__init__(\(arguments.joined(separator: ", ")))"
      : "super().__init__(\n" + arguments.map { "            \($0),\n" }.joined() + "        )"
    let isName = module.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    let use = isName ? "\n    from \(module) import load\n\n    outputs = load()(\(given))\n" : ""
    let usesTorch = (all + call + method).contains("torch.")
    return """
      \"""\(title)
      \(use)\"""

      from pathlib import Path

      \(usesTorch ? "import torch\n" : "")from safetensors.torch import load_model
      from torch import nn
      \(all.contains("F.") ? "from torch.nn import functional as F\n" : "")\(all.isEmpty ? "" : "\n\n" + all + "\n")

      class Network(\(name)):
          \"""\(form.description).\"""

          def __init__(self):
              \(call)
      \(method)

      def load(weights=Path(__file__).with_name("\(module).safetensors")):
          \"""The network with its trained weights, ready to predict.\"""
          network = Network()
          load_model(network, weights)
          return network.eval()

      """
  }
}
