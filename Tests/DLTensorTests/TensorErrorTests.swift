import DLTensor
import DLTestSupport
import Testing

/// Shapes that do not fit: a thrown error that names the op and both shapes.
@Suite struct TensorErrorTests {
  private let context = Context(precision: .float32)

  private func zeros(_ shape: Shape, _ dtype: DType = .float32) throws -> Tensor {
    try Tensor.zeros(shape, dtype: dtype, context: context)
  }

  @Test func opsNameBothShapes() throws {
    let x = try zeros([2, 3])
    expect("matmul: shapes [2, 3] and [2, 3] do not fit; expected [..., m, k] and [..., k, n]") {
      try x.matmul(x)
    }
    expect("linear: input has shape [2, 3], weight [4, 5] expects [..., in]") {
      try x.linear(zeros([4, 5]))
    }
    expect("linear: bias has shape [3], weight expects [4]") {
      try x.linear(zeros([4, 3]), bias: zeros([3]))
    }
    expect("linear: bias is float64, input float32") {
      try x.linear(zeros([4, 3]), bias: zeros([4], .float64))
    }
    expect("add: shapes [2, 3] and [2] do not broadcast") { try x + zeros([2]) }
    expect("mul: operands are float32 and float64") { try x * zeros([2, 3], .float64) }
    expect("reshape: [2, 3] has 6 elements, [4] 4") { try x.reshape([4]) }
    expect("permute: [0, 0] does not name every axis of [2, 3] once") { try x.permute(0, 0) }
    expect("sum: axes [2] of shape [2, 3]") { try x.sum(axis: 2) }
    expect("mean: axes [1, -1] of shape [2, 3]") { try x.mean(axes: [1, -1]) }
    expect("sum: axes [0] of shape []") { try zeros([]).sum(axis: 0) }
    expect("activation: needs float32 or float64, got int32") { try zeros([2], .int32).relu() }
    expect("backward: needs a scalar, got shape [2, 3]") { try context.backward(x) }
    expect("layer_norm: input has shape [2, 3], weight and bias [2]") {
      try x.layerNorm(weight: zeros([2]), bias: nil)
    }
    expect("dropout: p is 1.0, expected 0 <= p < 1") { try x.dropout(1, key: RandomKey(1)) }
  }

  @Test func windowsNameTheirSizes() throws {
    let x = try zeros([2, 5, 4, 3])
    expect("conv2d: input has 3 channels, weight expects 2") { try x.conv2d(zeros([3, 3, 2, 4])) }
    expect("conv2d: kernel 7x7 is larger than the padded input 5x4") {
      try x.conv2d(zeros([7, 7, 3, 4]))
    }
    expect("conv2d: bias has shape [3], weight expects [4]") {
      try x.conv2d(zeros([3, 3, 3, 4]), bias: zeros([3]))
    }
    expect(
      "max_pool2d: input has shape [2, 3], expected [batch, height, width, channels]"
    ) { try zeros([2, 3]).maxPool2d(Window2d(kernel: 2)) }
    expect("avg_pool2d: padding 2x2 is more than half of the kernel 2x2") {
      try x.avgPool2d(Window2d(kernel: 2, padding: 2))
    }
    #expect(throws: TensorError.self) { try x.conv2d(zeros([3, 3, 3, 4]), stride: 0) }
    #expect(throws: TensorError.self) { try x.conv2d(zeros([3, 3, 3, 4]), padding: -1) }
    #expect(throws: TensorError.self) { try zeros([2, 0, 4, 3]).globalAvgPool2d() }
  }

  @Test func lossesNameTheirShapes() throws {
    let x = try zeros([2, 3])
    expect("cross_entropy: label 3 of row 1 is not in 0 ..< 3") {
      try x.crossEntropySum(labels: .labels([0, 3], context: context))
    }
    expect("cross_entropy: label -1 of row 0 is not in 0 ..< 3") {
      try x.crossEntropySum(labels: .labels([-1, 3], context: context))
    }
    expect(
      "cross_entropy: logits have shape [2, 3], labels int32 [3]; expected [..., classes] and "
        + "int32 [...]"
    ) { try x.crossEntropySum(labels: .labels([0, 1, 2], context: context)) }
    expect("mse: prediction is float32 [2, 3], target float32 [3]") {
      try x.squaredErrorSum(zeros([3]))
    }
  }

  @Test func oneValuePerChannelHasNoVariance() throws {
    context.isTraining = true
    let running = RunningStatistics(
      mean: try zeros([3]), variance: try zeros([3]), momentum: 0.1)
    for rows in [0, 1] {
      expect(
        "batch_norm: needs more than one value per channel in training, got \(rows); use a larger "
          + "batch"
      ) { try zeros([rows, 3]).batchNorm(weight: nil, bias: nil, running: running) }
    }
    #expect(throws: TensorError.self) {
      try zeros([2, 4]).batchNorm(weight: nil, bias: nil, running: running)
    }
  }

  @Test func memoryThatIsNotThere() {
    #expect(throws: TensorError.self) {
      try Tensor.empty([1 << 40, 1 << 40], context: context)
    }
  }
}
