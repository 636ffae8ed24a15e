import DLTensor
import DLTestSupport
import Testing

/// Ops with gradients of their own, as `torch.autograd.Function`.
@Suite struct CustomOperationTests {
  /// `x · y²`, its gradients made of ops.
  private func product(_ x: Tensor, _ y: Tensor) throws -> Tensor {
    try x.context.operation(on: [x, y]) {
      try x * y * y
    } gradient: { dy, input in
      input == 0 ? try dy * y * y : try dy * x * y * 2
    }
  }

  @Test func givenGradientsAreThoseOfFiniteDifferences() throws {
    let context = Context(precision: .float64)
    let (a, b) = ([0.5, -1.25, 2], [1.5, 0.25, -0.75])
    func value(_ a: [Double], _ b: [Double]) throws -> Double {
      let x = try Tensor.values(a, shape: [3], context: context)
      let y = try Tensor.values(b, shape: [3], context: context)
      return try product(x, y).sum().scalar
    }
    let x = try Tensor.values(a, shape: [3], context: context).requiringGradient()
    let y = try Tensor.values(b, shape: [3], context: context).requiringGradient()
    try context.backward(context.recording { try product(x, y).sum() })
    let (dx, dy) = (try #require(x.gradient?.doubles), try #require(y.gradient?.doubles))
    for index in 0..<3 {
      func moved(_ values: [Double], _ step: Double) -> [Double] {
        var values = values
        values[index] += step
        return values
      }
      let step = 1e-5
      let slopeX = (try value(moved(a, step), b) - value(moved(a, -step), b)) / (2 * step)
      let slopeY = (try value(a, moved(b, step)) - value(a, moved(b, -step))) / (2 * step)
      #expect(abs(dx[index] - slopeX) < 1e-8 && abs(dy[index] - slopeY) < 1e-8)
    }
  }

  @Test func gradientsMadeOfOpsHaveGradients() throws {
    let context = Context(precision: .float64)
    let x = try Tensor.values([3], shape: [1], context: context).requiringGradient()
    let y = try Tensor.values([2], shape: [1], context: context).requiringGradient()
    let second = try context.recording {
      try context.differentiably {
        let first = try context.gradients(
          of: product(x, y).sum(), with: [y], createGraph: true)[0]
        return try first.sum()
      }
    }
    try context.backward(second)
    // d/dy (2 x y) = 2 x and d/dx (2 x y) = 2 y.
    #expect(y.gradient?.doubles == [6] && x.gradient?.doubles == [4])
  }

  @Test func anotherGradientThanThatOfTheForwardPass() throws {
    let context = Context(precision: .float64)
    let x = try Tensor.values([-2, 4], shape: [2], context: context).requiringGradient()
    let loss = try context.recording {
      let sign = try context.operation(on: [x]) {
        try x / x.abs()
      } gradient: { dy, _ in
        dy
      }
      #expect(sign.doubles == [-1, 1])
      return try (sign * 3).sum()
    }
    try context.backward(loss)
    #expect(x.gradient?.doubles == [3, 3])
  }

  @Test func wrongUsesAreErrors() throws {
    let context = Context(precision: .float64)
    let x = try Tensor.values([1, 2], shape: [2], context: context).requiringGradient()
    #expect(throws: TensorError.self) {
      try context.operation(on: [x]) {
        x
      } gradient: { dy, _ in
        dy
      }
    }
    let loss = try context.recording {
      try context.operation(on: [x]) {
        try x.sum()
      } gradient: { dy, _ in
        dy
      }
    }
    #expect(throws: TensorError.self) { try context.backward(loss) }
  }
}
