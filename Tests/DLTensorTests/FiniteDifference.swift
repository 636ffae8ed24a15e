import DLTensor
import DLTestSupport
import Testing

/// How a test's inputs are drawn.
enum Draw {
  /// Standard normal.
  case normal
  /// Distinct multiples of 0.05 in random order, none within 0.02 of zero: nothing is near a kink
  /// or a tie.
  case apart
  /// In 0.5 ..< 2.
  case positive

  func values(_ count: Int, _ stream: inout RandomStream) -> [Double] {
    switch self {
    case .normal: return (0..<count).map { _ in stream.normal() }
    case .positive: return (0..<count).map { _ in stream.uniform(in: 0.5..<2) }
    case .apart:
      var values = (0..<count).map { (Double($0 - count / 2) + 0.5) * 0.05 }
      stream.shuffle(&values)
      return values
    }
  }
}

/// Compares the gradients of `function` at random inputs with central differences in float64.
///
/// For a random cotangent u and a random direction v of each input by itself, `u · ∂f/∂x · v` is
/// compared with the fourth-order difference quotient of `u · f(x + h v)`.
func checkGradients(
  _ name: String, _ shapes: [Shape], draw: Draw = .normal, isTraining: Bool = true,
  sourceLocation: SourceLocation = #_sourceLocation,
  _ function: ([Tensor]) throws -> Tensor
) throws {
  Engine.current.select()
  let context = Context(precision: .float64)
  context.isTraining = isTraining
  var stream = RandomStream(RandomKey(7).child(name).child("\(shapes)"))
  let points = shapes.map { draw.values($0.count, &stream) }
  func tensors(_ points: [[Double]]) throws -> [Tensor] {
    try zipped(points, shapes).map { try Tensor.values($0, shape: $1, context: context) }
  }

  let inputs = try tensors(points)
  for input in inputs { input.requiringGradient() }
  let output = try context.recording { try function(inputs) }
  let cotangent = Draw.normal.values(output.count, &stream)
  try context.backward(
    from: output,
    gradient: Tensor.values(cotangent, shape: output.shape, dtype: .float64, context: context))

  func projected(_ index: Int, _ direction: [Double], _ h: Double) throws -> Double {
    var moved = points
    for i in direction.indices { moved[index][i] += h * direction[i] }
    return zipped(try function(tensors(moved)).doubles, cotangent).reduce(0) { $0 + $1.0 * $1.1 }
  }
  for (index, input) in inputs.enumerated() {
    let gradient = try #require(input.gradient, sourceLocation: sourceLocation).doubles
    let direction = (0..<gradient.count).map { _ in stream.uniform(in: -1..<1) }
    let analytic = zipped(gradient, direction).reduce(0) { $0 + $1.0 * $1.1 }
    let scale = zipped(gradient, direction).reduce(1e-3) { $0 + abs($1.0 * $1.1) }
    let h = 1e-3
    let near = try projected(index, direction, h) - projected(index, direction, -h)
    let far = try projected(index, direction, 2 * h) - projected(index, direction, -2 * h)
    let numeric = (8 * near - far) / (12 * h)
    let error = abs(analytic - numeric) / scale
    #expect(
      error < 1e-7, "\(name) \(shapes), input \(index): \(analytic) against \(numeric)",
      sourceLocation: sourceLocation)
  }
}
