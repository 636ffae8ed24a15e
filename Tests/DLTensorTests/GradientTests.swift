import DLTensor
import Testing

/// Every differentiable op against finite differences.
@Suite struct GradientTests {
  @Test func products() throws {
    for (a, b) in [([3, 4], [4, 2]), ([1, 1], [1, 5]), ([2, 3, 4], [2, 4, 1])] as [(Shape, Shape)] {
      try checkGradients("matmul", [a, b]) { try $0[0].matmul($0[1]) }
    }
    try checkGradients("matmul with itself", [[3, 3]]) { try $0[0].matmul($0[0]) }
    for x in [[5, 3], [1, 3], [2, 2, 3], [3]] as [Shape] {
      try checkGradients("linear", [x, [4, 3], [4]]) { try $0[0].linear($0[1], bias: $0[2]) }
      try checkGradients("linear without bias", [x, [4, 3]]) { try $0[0].linear($0[1]) }
    }
  }

  @Test func convolutions() throws {
    for (image, weight, stride, padding) in [
      ([2, 5, 4, 3], [3, 3, 3, 2], 1, 1),
      ([1, 6, 5, 2], [3, 2, 2, 4], Size2d(2, 1), Size2d(0, 1)),
      ([2, 4, 3, 3], [1, 1, 3, 5], 1, 0), ([2, 5, 5, 2], [1, 1, 2, 3], 2, 0),
      ([1, 7, 6, 1], [5, 5, 1, 6], 1, 2), ([1, 2, 3, 2], [4, 5, 2, 2], 1, 2),
    ] as [(Shape, Shape, Size2d, Size2d)] {
      try checkGradients("conv2d", [image, weight, [weight[3]]]) {
        try $0[0].conv2d($0[1], bias: $0[2], stride: stride, padding: padding)
      }
    }
  }

  @Test func pooling() throws {
    for window in [
      Window2d(kernel: 2, stride: 2), Window2d(kernel: 3, stride: 1, padding: 1),
      Window2d(kernel: Size2d(3, 2), stride: Size2d(2, 1), padding: Size2d(1, 0)),
    ] {
      try checkGradients("max_pool2d", [[2, 5, 4, 3]], draw: .apart) { try $0[0].maxPool2d(window) }
      try checkGradients("avg_pool2d", [[2, 5, 4, 3]]) { try $0[0].avgPool2d(window) }
      try checkGradients("avg_pool2d without padding", [[2, 5, 4, 3]]) {
        try $0[0].avgPool2d(window, countIncludePad: false)
      }
    }
    try checkGradients("global_avg_pool2d", [[2, 3, 4, 5]]) { try $0[0].globalAvgPool2d() }
  }

  @Test func normalizations() throws {
    for x in [[4, 3], [2, 3, 2, 3], [2, 5, 3]] as [Shape] {
      for isTraining in [true, false] {
        try checkGradients("batch_norm", [x, [3], [3]], isTraining: isTraining) {
          let running = RunningStatistics(
            mean: try .full([3], 0.3, context: $0[0].context),
            variance: try .full([3], 1.7, context: $0[0].context), momentum: 0.1)
          return try $0[0].batchNorm(weight: $0[1], bias: $0[2], running: running, eps: 1e-3)
        }
      }
      try checkGradients("layer_norm", [x, [3], [3]]) {
        try $0[0].layerNorm(weight: $0[1], bias: $0[2], eps: 1e-3)
      }
      try checkGradients("layer_norm without weights", [x]) {
        try $0[0].layerNorm(weight: nil, bias: nil, eps: 1e-3)
      }
    }
  }

  @Test func activations() throws {
    for shape in [[3, 5], [17], []] as [Shape] {
      try checkGradients("relu", [shape], draw: .apart) { try $0[0].relu() }
      try checkGradients("leaky_relu", [shape], draw: .apart) { try $0[0].leakyReLU(0.2) }
      try checkGradients("sigmoid", [shape]) { try $0[0].sigmoid() }
      try checkGradients("tanh", [shape]) { try $0[0].tanh() }
      try checkGradients("gelu", [shape]) { try $0[0].gelu() }
      try checkGradients("gelu by tanh", [shape]) { try $0[0].gelu(.tanh) }
      try checkGradients("silu", [shape]) { try $0[0].silu() }
    }
    for shape in [[3, 5], [2, 3, 4], [6]] as [Shape] {
      for approximation in GELUApproximation.allCases {
        try checkGradients("linear with gelu", [shape, [4, shape.last], [4]]) {
          try $0[0].linear($0[1], bias: $0[2], gelu: approximation)
        }
      }
      try checkGradients("softmax", [shape]) { try $0[0].softmax() }
      try checkGradients("log_softmax", [shape]) { try $0[0].logSoftmax() }
    }
    let key = RandomKey(3)
    try checkGradients("dropout", [[4, 6]]) { try $0[0].dropout(0.4, key: key) }
  }

  @Test func arithmetic() throws {
    for (a, b) in [
      ([3, 4], [3, 4]), ([3, 4], [4]), ([3], [2, 3]), ([2, 1, 3], [4, 1]), ([2], []), ([], [2]),
    ] as [(Shape, Shape)] {
      try checkGradients("add", [a, b]) { try $0[0] + $0[1] }
      try checkGradients("sub", [a, b]) { try $0[0] - $0[1] }
      try checkGradients("mul", [a, b]) { try $0[0] * $0[1] }
      try checkGradients("div", [a, b], draw: .positive) { try $0[0] / $0[1] }
    }
    try checkGradients("numbers", [[3, 2]], draw: .positive) {
      try (2 - $0[0]) * 3 + 1.5 / (0.5 * $0[0] + 2) - (-$0[0] / 4 - 1)
    }
  }

  @Test func reductionsAndShapes() throws {
    try checkGradients("sum", [[3, 4]]) { try $0[0].sum() }
    try checkGradients("mean", [[3, 4]]) { try $0[0].mean() }
    for axes in [[0], [-1], [0, 2], [1, 2], [2, 0, 1], []] {
      for keepsAxes in [false, true] {
        try checkGradients("sum over \(axes)", [[2, 3, 4]]) {
          try $0[0].sum(axes: axes, keepsAxes: keepsAxes)
        }
        try checkGradients("mean over \(axes)", [[2, 3, 4]]) {
          try $0[0].mean(axes: axes, keepsAxes: keepsAxes)
        }
      }
    }
    try checkGradients("reshape", [[2, 6]]) { try $0[0].reshape([3, 4]) }
    try checkGradients("permute", [[2, 3, 4]]) { try $0[0].permute(2, 0, 1) }
    try checkGradients("flatten", [[2, 3, 2, 4]]) { try $0[0].flatten() }
  }

  @Test func losses() throws {
    try checkGradients("cross_entropy", [[4, 5]]) {
      try $0[0].crossEntropySum(labels: .labels([0, 4, 2, 2], context: $0[0].context))
    }
    try checkGradients("mse", [[3, 4]]) {
      try $0[0].squaredErrorSum(.full([3, 4], 0.4, context: $0[0].context))
    }
    try checkGradients("bce_with_logits", [[3, 4]]) {
      try $0[0].bceWithLogitsSum(.full([3, 4], 0.3, context: $0[0].context))
    }
  }

  /// One tensor used by several ops, through views and sums: its gradients add up.
  @Test func sharedTensors() throws {
    try checkGradients("diamond", [[3, 4], [4]]) {
      let y = try $0[0] * $0[1]
      return try (y + y.tanh()) * y + y.reshape([4, 3]).reshape([3, 4]) + $0[0]
    }
    try checkGradients("residual", [[2, 4, 4, 2], [3, 3, 2, 2]]) {
      let y = try $0[0].conv2d($0[1], padding: 1).sigmoid()
      return try $0[0] + y.conv2d($0[1], padding: 1) + $0[0]
    }
  }
}
