import DLTensor

extension MaxPool2d: BuiltInTorchLayer {
  /// `nn.MaxPool2d`.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    .call(
      "nn.MaxPool2d", [.size(options.kernel) ?? "1"],
      [
        "stride": .size(options.stride, unless: options.kernel),
        "padding": .size(options.padding, unless: 0),
        "dilation": .size(options.dilation, unless: 1),
        "ceil_mode": .flag(options.ceilMode, unless: false),
      ])
  }
}

extension MaxPool1d: BuiltInTorchLayer {
  /// `nn.MaxPool1d` over sequences with their channels last.
  ///
  /// - Throws: ``TensorError`` where rows end and the window's numbers make no sense.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    .call(
      try program.withinRows(
        program.channelsFirst("nn.MaxPool1d"), window, fill: "-torch.inf"), ["\(options.kernel)"],
      [
        "stride": .number(options.stride, unless: options.kernel),
        "padding": .number(options.padding, unless: 0),
        "dilation": .number(options.dilation, unless: 1),
        "ceil_mode": .flag(options.ceilMode, unless: false),
      ])
  }
}

extension AvgPool2d: BuiltInTorchLayer {
  /// `nn.AvgPool2d`.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    .call(
      "nn.AvgPool2d", [.size(options.kernel) ?? "1"],
      [
        "stride": .size(options.stride, unless: options.kernel),
        "padding": .size(options.padding, unless: 0),
        "ceil_mode": .flag(options.ceilMode, unless: false),
        "count_include_pad": .flag(options.countIncludePad, unless: true),
      ])
  }
}

extension AvgPool1d: BuiltInTorchLayer {
  /// `nn.AvgPool1d` over sequences with their channels last.
  ///
  /// - Throws: ``TensorError`` where rows end and the window's numbers make no sense.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    .call(
      try program.withinRows(program.channelsFirst("nn.AvgPool1d"), window), ["\(options.kernel)"],
      [
        "stride": .number(options.stride, unless: options.kernel),
        "padding": .number(options.padding, unless: 0),
        "ceil_mode": .flag(options.ceilMode, unless: false),
        "count_include_pad": .flag(options.countIncludePad, unless: true),
      ])
  }
}

extension AdaptiveAvgPool2d: BuiltInTorchLayer {
  /// `nn.AdaptiveAvgPool2d`.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    .call("nn.AdaptiveAvgPool2d", [.size(options.outputSize) ?? "1"])
  }
}

extension AdaptiveMaxPool2d: BuiltInTorchLayer {
  /// `nn.AdaptiveMaxPool2d`.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    .call("nn.AdaptiveMaxPool2d", [.size(options.outputSize) ?? "1"])
  }
}

extension AdaptiveAvgPool1d: BuiltInTorchLayer {
  /// `nn.AdaptiveAvgPool1d` over sequences with their channels last.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    .call(
      program.rowByRow(program.channelsFirst("nn.AdaptiveAvgPool1d")), ["\(options.outputSize)"])
  }
}

extension AdaptiveMaxPool1d: BuiltInTorchLayer {
  /// `nn.AdaptiveMaxPool1d` over sequences with their channels last.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    .call(
      program.rowByRow(program.channelsFirst("nn.AdaptiveMaxPool1d")), ["\(options.outputSize)"])
  }
}

extension TorchProgram {
  fileprivate func globalPool(_ name: String, _ word: String, _ input: Shape) -> TorchExpression {
    define(
      name,
      """
      class \(name)(nn.Module):
          \"""The \(name == "GlobalAvgPool" ? "mean" : "largest value") of each channel over all positions.\"""

          def __init__(self, dims):
              super().__init__()
              self.dims = dims

          def forward(self, x):
              return x.\(word)(self.dims)
      """)
    return .call(name, [input.rank == 3 ? "(2, 3)" : "1"])
  }
}

extension GlobalAvgPool2d: BuiltInTorchLayer {
  /// The mean over the image.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    program.globalPool("GlobalAvgPool", "mean", input)
  }
}

extension GlobalMaxPool2d: BuiltInTorchLayer {
  /// The largest value of the image.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    program.globalPool("GlobalMaxPool", "amax", input)
  }
}

extension GlobalAvgPool1d: BuiltInTorchLayer {
  /// The mean over the sequence.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    program.rowsEnd
      ? program.endedPool("GlobalAvgPool") : program.globalPool("GlobalAvgPool", "mean", input)
  }
}

extension GlobalMaxPool1d: BuiltInTorchLayer {
  /// The largest value of the sequence.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    program.rowsEnd
      ? program.endedPool("GlobalMaxPool") : program.globalPool("GlobalMaxPool", "amax", input)
  }
}

extension Upsample: BuiltInTorchLayer {
  /// `nn.Upsample`.
  ///
  /// - Throws: ``LayerExportError`` where rows end.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    try program.requireWholeRows(self)
    let isRow = input.rank == 2
    var (mode, corners): (TorchExpression?, TorchExpression?) = (nil, nil)
    if case .bilinear(let alignCorners) = interpolation {
      mode = isRow ? "\"linear\"" : "\"bilinear\""
      corners = .flag(alignCorners, unless: false)
    }
    let (size, factor): (TorchExpression?, TorchExpression?) =
      switch target {
      case .size(let size): (isRow ? "\(size.width)" : .size(size), nil)
      case .factor(let factor):
        (
          nil,
          isRow || factor.height == factor.width
            ? "\(factor.width)" : "(\(factor.height), \(factor.width))"
        )
      }
    return .call(
      isRow ? program.channelsFirst("nn.Upsample") : "nn.Upsample", [],
      ["size": size, "scale_factor": factor, "mode": mode, "align_corners": corners])
  }
}

extension PixelShuffle: BuiltInTorchLayer {
  /// `nn.PixelShuffle`.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    "nn.PixelShuffle(\(options.upscaleFactor))"
  }
}

extension PixelUnshuffle: BuiltInTorchLayer {
  /// `nn.PixelUnshuffle`.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    "nn.PixelUnshuffle(\(options.downscaleFactor))"
  }
}

extension ZeroPad2d: BuiltInTorchLayer {
  /// `nn.ZeroPad2d`.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    "nn.ZeroPad2d((\(options.left), \(options.right), \(options.top), \(options.bottom)))"
  }
}
