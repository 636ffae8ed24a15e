import DLTensor
import DLTestSupport
import Testing

/// When gradients are declared complete during a backward pass.
struct GradientWatchTests {
  private let context = Context(precision: .float64)

  private func leaf(_ values: [Double]) throws -> Tensor {
    let shape = Shape([values.count])
    let tensor = try Tensor.values(values, shape: shape, context: context)
    tensor.bindGradient(try Tensor.zeros(shape, dtype: .float64, context: context))
    return tensor
  }

  @Test func leavesAreCompleteWhenTheirFirstUseHasRun() throws {
    let leaves = try [leaf([2, 3]), leaf([5, 7]), leaf([1, 1])]
    var order: [Int] = []
    var gradients: [[Double]] = []
    let watch = GradientWatch(leaves, first: 10) { index in
      order.append(index)
      gradients.append(leaves[index - 10].gradient?.doubles ?? [.nan])
    }
    for _ in 0..<2 {
      (order, gradients) = ([], [])
      leaves.forEach { $0.resetGradient() }
      context.gradientWatch = watch
      watch.start()
      // The first leaf is used first and last, the second between; nothing uses the third.
      let loss = try context.recording { try (leaves[0] * leaves[1] * leaves[0]).sum() }
      try context.backward(loss)
      #expect(order == [12, 10, 11] || order == [12, 11, 10])
      #expect(gradients[order.firstIndex(of: 10) ?? 0] == [20, 42])
      #expect(gradients[order.firstIndex(of: 11) ?? 0] == [4, 9])
    }
  }

  @Test func whatNobodyWatchesIsNotDeclared() throws {
    let leaves = try [leaf([2, 3]), leaf([5, 7])]
    var order: [Int] = []
    let watch = GradientWatch([leaves[1]], first: 4) { order.append($0) }
    context.gradientWatch = watch
    watch.start()
    try context.backward(context.recording { try (leaves[0] * leaves[1]).sum() })
    #expect(order == [4])
  }

  @Test func aGradientThatComesTooLateIsAnError() throws {
    let leaves = try [leaf([2, 3])]
    context.gradientWatch = GradientWatch(leaves, first: 0) { _ in }
    context.gradientWatch?.start()
    try context.backward(context.recording { try (leaves[0] * leaves[0]).sum() })
    context.gradientWatch = nil
    let error = #expect(throws: TensorError.self) {
      try context.backward(context.recording { try leaves[0].sum() })
    }
    #expect("\(error as Any)".contains("handed over"))
  }
}
