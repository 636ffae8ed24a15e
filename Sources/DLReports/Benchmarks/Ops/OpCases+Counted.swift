import DLOptimizers

extension OpCases {
  /// Small ones, whose instructions Tests/InstructionCount counts.
  static var counted: [OpCase] {
    linear(16, 64, 32) + matmul(4, 16, 16, 16) + conv(2, 8, 1, 6, kernel: 5)
      + conv(2, 8, 16, 16, kernel: 3) + conv(2, 8, 16, 32, kernel: 3, stride: 2)
      + conv(2, 8, 16, 32, kernel: 1) + conv(2, 8, 16, 16, kernel: 3, groups: 16)
      + batchNorm(2, 8, 16) + attention(1, 2, 16, 8) + lstm(4, 5, 16) + embedding(16, 20, 8)
      + softmax(16, 64) + layerNorm(16, 64) + gelu(16, 64) + crossEntropy(16, 64)
      + [update("sgd, momentum", 4096) { try SGD(momentum: 0.9) }]
      + [update("adamw", 4096) { try Adam(weightDecay: 0.01, decoupledWeightDecay: true) }]
  }
}
