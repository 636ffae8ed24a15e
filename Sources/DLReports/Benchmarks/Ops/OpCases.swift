import DLTensor

/// The ops that are measured: those of the networks that steps are measured of, and sweeps.
enum OpCases {
  /// At the shapes of the networks of scripts/bench/workloads.
  static var all: [OpCase] {
    products + images + sequences + pointwise + updates
  }

  /// Over batch, channels and length of sequences.
  static var sweeps: [OpCase] {
    let powers = { (range: ClosedRange<Int>) in range.map { 1 << $0 } }
    return powers(0...9).flatMap { linear($0, 512, 512) }
      + powers(3...10).flatMap { conv(8, 8, $0, $0, kernel: 3) }
      + powers(4...12).flatMap { attention(1, 2, $0, 64) }
      + powers(4...9).flatMap { lstm(16, $0, 128) }
  }

  private static var products: [OpCase] {
    let layers = [
      (128, 784, 512), (128, 512, 512), (128, 512, 10), (768, 128, 384), (768, 128, 512),
      (768, 512, 128), (1024, 384, 1536), (1024, 1536, 384), (1120, 256, 2000),
    ]
    return layers.flatMap { linear($0.0, $0.1, $0.2) }
      + [(256, 256, 256), (512, 512, 512)].flatMap { matmul(1, $0.0, $0.1, $0.2) }
      + [(48, 64, 32, 64), (24, 256, 64, 256)].flatMap { matmul($0.0, $0.1, $0.2, $0.3) }
  }

  private static var images: [OpCase] {
    conv(64, 28, 1, 6, kernel: 5) + conv(64, 14, 6, 16, kernel: 5)
      + conv(64, 32, 3, 16, kernel: 3) + conv(64, 32, 16, 16, kernel: 3)
      + conv(64, 32, 16, 32, kernel: 3, stride: 2) + conv(64, 16, 32, 32, kernel: 3)
      + conv(64, 8, 64, 64, kernel: 3) + conv(64, 32, 16, 32, kernel: 1, stride: 2)
      + conv(32, 32, 64, 64, kernel: 3) + conv(32, 16, 128, 128, kernel: 3)
      + conv(32, 8, 256, 256, kernel: 3) + conv(32, 4, 512, 512, kernel: 3)
      + conv(32, 16, 128, 256, kernel: 1) + conv(32, 32, 64, 64, kernel: 3, groups: 64)
      + [(64, 32, 16), (32, 32, 64), (32, 4, 512)].flatMap { batchNorm($0.0, $0.1, $0.2) }
  }

  private static var sequences: [OpCase] {
    attention(12, 4, 64, 32) + attention(4, 6, 256, 64) + lstm(32, 35, 256)
      + embedding(768, 65, 128) + embedding(1120, 2000, 256)
  }

  private static var pointwise: [OpCase] {
    softmax(3072, 64) + softmax(6144, 256) + layerNorm(768, 128) + layerNorm(1024, 384)
      + gelu(768, 512) + gelu(1024, 1536)
      + [(128, 10), (768, 65), (1120, 2000)].flatMap { crossEntropy($0.0, $0.1) }
  }

  static func softmax(_ rows: Int, _ columns: Int) -> [OpCase] {
    OpCase.both("softmax", "\(rows)x\(columns)", inputs: [[rows, columns]], wanted: [.backward(1)])
    {
      try $0[0].softmax()
    }
  }

  static func layerNorm(_ rows: Int, _ columns: Int) -> [OpCase] {
    OpCase.both(
      "layer_norm", "\(rows)x\(columns)", inputs: [[rows, columns], [columns], [columns]],
      wanted: [.backward(3)]
    ) { try $0[0].layerNorm(weight: $0[1], bias: $0[2]) }
  }

  static func gelu(_ rows: Int, _ columns: Int) -> [OpCase] {
    OpCase.both("gelu", "\(rows)x\(columns)", inputs: [[rows, columns]], wanted: [.backward(1)]) {
      try $0[0].gelu(.tanh)
    }
  }

  static func crossEntropy(_ rows: Int, _ classes: Int) -> [OpCase] {
    OpCase.both(
      "cross_entropy", "\(rows)x\(classes)", inputs: [[rows, classes]], wanted: [.backward(1)]
    ) { try $0[0].crossEntropySum(labels: tokens(rows, below: classes, $0[0].context)) }
  }

  /// `x · weightᵀ`; its gradients are the products without a transposed factor, and with the first.
  static func linear(_ rows: Int, _ input: Int, _ output: Int) -> [OpCase] {
    OpCase.both(
      "linear", "\(rows)x\(input) -> \(output)", multiplyAdds: rows * input * output,
      inputs: [[rows, input], [output, input]],
      wanted: [
        Wanted(pass: "data gradient", inputs: [0]), Wanted(pass: "weight gradient", inputs: [1]),
      ]
    ) { try $0[0].linear($0[1]) }
  }

  static func matmul(_ batch: Int, _ m: Int, _ k: Int, _ n: Int) -> [OpCase] {
    let lead: [Int] = batch == 1 ? [] : [batch]
    return OpCase.both(
      "matmul", (batch == 1 ? "" : "\(batch) of ") + "\(m)x\(k) x \(n)",
      multiplyAdds: batch * m * k * n, inputs: [Shape(lead + [m, k]), Shape(lead + [k, n])],
      wanted: [.backward(2)]
    ) { try $0[0].matmul($0[1]) }
  }

  static func conv(
    _ batch: Int, _ size: Int, _ input: Int, _ output: Int, kernel: Int, stride: Int = 1,
    groups: Int = 1
  ) -> [OpCase] {
    let place = (size - 1) / stride + 1
    let kind = groups > 1 ? " depthwise" : stride > 1 ? " /\(stride)" : ""
    return OpCase.both(
      "conv \(kernel)x\(kernel)\(kind)", "\(batch)x\(size)x\(size)x\(input) -> \(output)",
      multiplyAdds: batch * place * place * kernel * kernel * input / groups * output,
      inputs: [[batch, size, size, input], [kernel, kernel, input / groups, output]],
      wanted: [.data, .weight]
    ) {
      try $0[0].conv2d(
        $0[1], stride: Size2d(stride, stride), padding: Size2d(kernel / 2, kernel / 2),
        groups: groups)
    }
  }

  static func batchNorm(_ batch: Int, _ size: Int, _ channels: Int) -> [OpCase] {
    OpCase.both(
      "batch_norm", "\(batch)x\(size)x\(size)x\(channels)",
      inputs: [[batch, size, size, channels], [channels], [channels]], wanted: [.backward(3)]
    ) {
      let context = $0[0].context
      let running = RunningStatistics(
        mean: try .zeros([channels], context: context),
        variance: try .full([channels], 1, context: context), momentum: 0.1)
      return try $0[0].batchNorm(weight: $0[1], bias: $0[2], running: running, relu: true)
    }
  }

  /// Causal; of the products half is masked, and counted.
  static func attention(_ batch: Int, _ heads: Int, _ time: Int, _ width: Int) -> [OpCase] {
    OpCase.both(
      "attention", "\(batch)x\(heads) heads, \(time)x\(width)",
      multiplyAdds: 2 * batch * heads * time * time * width,
      inputs: [[batch, time, 3 * heads * width]],
      wanted: [.init(pass: "backward", inputs: [0])]
    ) { inputs in
      let parts = try (0..<3).map {
        try AttentionInput(inputs[0], heads: heads, part: $0, of: 3)
      }
      return try .attention(parts[0], parts[1], parts[2], mask: .causal)
    }.map { $0.doubled(in: "backward") }
  }

  static func lstm(_ batch: Int, _ time: Int, _ hidden: Int) -> [OpCase] {
    OpCase.both(
      "lstm", "\(batch)x\(time)x\(hidden) -> \(hidden)",
      multiplyAdds: batch * time * 4 * hidden * 2 * hidden,
      inputs: [[batch, time, hidden], [4 * hidden, hidden], [4 * hidden, hidden]],
      wanted: [.backward(3)]
    ) {
      let weights = RecurrentWeights(input: $0[1], hidden: $0[2])
      return try $0[0].recurrent(.lstm, weights: [[weights]]).output
    }
  }

  static func embedding(_ rows: Int, _ entries: Int, _ width: Int) -> [OpCase] {
    OpCase.both(
      "embedding", "\(rows) of \(entries)x\(width)", inputs: [[1], [entries, width]],
      wanted: [.init(pass: "backward", inputs: [1])]
    ) { try tokens(rows, below: entries, $0[1].context).embedding($0[1]) }
  }

  /// Tokens or classes in an order that jumps.
  private static func tokens(_ count: Int, below limit: Int, _ context: Context) throws -> Tensor {
    let result = try Tensor.empty([count], dtype: .int32, context: context)
    let pointer = result.pointer.assumingMemoryBound(to: Int32.self)
    for index in 0..<count { pointer[index] = Int32(index &* 7919 % limit) }
    return result
  }
}

extension OpCase {
  /// The same, with twice the products in one direction: that of an input that is two factors.
  fileprivate func doubled(in pass: String) -> OpCase {
    guard self.pass == pass else { return self }
    return OpCase(op: op, shape: shape, pass: self.pass, multiplyAdds: 2 * multiplyAdds, make: make)
  }
}
