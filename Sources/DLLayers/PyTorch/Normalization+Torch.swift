import DLCore
import DLTensor

extension BatchNorm: BuiltInTorchLayer {
  /// `nn.BatchNorm1d` or `nn.BatchNorm2d`.
  ///
  /// - Throws: ``LayerExportError`` for rows of none or more than three axes.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    let module =
      switch input.rank {
      case 1: "nn.BatchNorm1d"
      case 2: program.channelsFirst("nn.BatchNorm1d")
      case 3: "nn.BatchNorm2d"
      default:
        throw LayerExportError(
          "PyTorch code", self, "its rows have \(input.rank) axes; use \(OptionName.format) onnx")
      }
    return .call(
      module, ["\(input.last)"],
      [
        "eps": .number(options.eps, unless: 1e-5),
        "momentum": options.momentum == nil
          ? "None" : .number(options.momentum ?? 0.1, unless: 0.1),
        "affine": .flag(weight != nil, unless: true),
      ])
  }
}

extension LayerNorm: BuiltInTorchLayer {
  /// `nn.LayerNorm`.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    let shape = normalizedShape.dimensions
    return .call(
      program.onLastAxis("nn.LayerNorm", input), [shape.count == 1 ? "\(shape[0])" : .tuple(shape)],
      [
        "eps": .number(options.eps, unless: 1e-5),
        "elementwise_affine": .flag(weight != nil, unless: true),
        "bias": .flag(weight == nil || bias != nil, unless: true),
      ])
  }
}

extension RMSNorm: BuiltInTorchLayer {
  /// `nn.RMSNorm`.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    let shape = normalizedShape.dimensions
    return .call(
      program.onLastAxis("nn.RMSNorm", input), [shape.count == 1 ? "\(shape[0])" : .tuple(shape)],
      [
        "eps": options.eps.map { "\($0)" },
        "elementwise_affine": .flag(weight != nil, unless: true),
      ])
  }
}

extension GroupNorm: BuiltInTorchLayer {
  /// `nn.GroupNorm`.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    if input.rank == 2, program.rowsEnd {
      return program.endedNorm(
        groups: options.numGroups, channels: input.last, eps: options.eps, affine: weight != nil)
    }
    return .call(
      input.rank == 2 ? program.channelsFirst("nn.GroupNorm") : "nn.GroupNorm",
      ["\(options.numGroups)", "\(input.last)"],
      [
        "eps": .number(options.eps, unless: 1e-5),
        "affine": .flag(weight != nil, unless: true),
      ])
  }
}

extension InstanceNorm: BuiltInTorchLayer {
  /// `nn.InstanceNorm2d`, or `nn.InstanceNorm1d` over sequences.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    if input.rank == 2, program.rowsEnd {
      return program.endedNorm(
        groups: input.last, channels: input.last, eps: options.eps, affine: weight != nil)
    }
    return .call(
      input.rank == 2 ? program.channelsFirst("nn.InstanceNorm1d") : "nn.InstanceNorm2d",
      ["\(input.last)"],
      [
        "eps": .number(options.eps, unless: 1e-5),
        "affine": .flag(weight != nil, unless: false),
      ])
  }
}
