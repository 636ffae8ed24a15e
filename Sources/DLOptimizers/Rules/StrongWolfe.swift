/// A line search for a point where the loss has fallen enough and its slope has flattened enough.
///
///     loss(t) <= loss(0) + c1 * t * slope(0)     and     |slope(t)| <= c2 * |slope(0)|
///
/// Nocedal and Wright, "Numerical Optimization" (2006), Algorithms 3.5 and 3.6 with cubic
/// interpolation, in the form of `torch.optim.LBFGS`.
struct StrongWolfe {
  /// A trial point.
  struct Trial {
    var length: Double
    var point: LBFGS.Evaluation
    var slope: Double
  }

  let start: LBFGS.Evaluation
  let slope: Double
  let direction: ArenaVector
  let toleranceChange: Double
  let maxEvaluations: Int

  private let c1 = 1e-4
  private let c2 = 0.9

  init(
    start: LBFGS.Evaluation, slope: Double, direction: ArenaVector, toleranceChange: Double,
    maxEvaluations: Int
  ) {
    self.start = start
    self.slope = slope
    self.direction = direction
    self.toleranceChange = toleranceChange
    self.maxEvaluations = maxEvaluations
  }

  /// Finds a length; `evaluate` gives loss and gradient at one.
  func search(
    from first: Double, evaluate: (Double) throws -> LBFGS.Evaluation
  ) throws -> (point: LBFGS.Evaluation, length: Double, evaluations: Int) {
    func trial(_ length: Double) throws -> Trial {
      let point = try evaluate(length)
      return Trial(length: length, point: point, slope: point.gradient.dot(direction))
    }
    let origin = Trial(length: 0, point: start, slope: slope)
    var previous = origin
    var current = try trial(first)
    var iterations = 0
    var bracket: (Trial, Trial)?
    while iterations < maxEvaluations {
      let hasRisen = iterations > 1 && current.point.loss >= previous.point.loss
      if isTooHigh(current) || hasRisen {
        bracket = (previous, current)
        break
      }
      if isFlat(current) { return (current.point, current.length, iterations + 1) }
      if current.slope >= 0 {
        bracket = (previous, current)
        break
      }
      let next = interpolate(
        previous, current,
        bounds: (
          current.length + 0.01 * (current.length - previous.length), current.length * 10
        ))
      previous = current
      current = try trial(next)
      iterations += 1
    }
    // Without a bracket the search has run out of evaluations.
    var (low, high) = bracket ?? (origin, current)
    if high.point.loss < low.point.loss { (low, high) = (high, low) }
    var hasMadeLittleProgress = false
    let reach = direction.absoluteMaximum
    while iterations < maxEvaluations, abs(high.length - low.length) * reach >= toleranceChange {
      let length = inside(low, high, &hasMadeLittleProgress)
      current = try trial(length)
      iterations += 1
      if isTooHigh(current) || current.point.loss >= low.point.loss {
        high = current
        if high.point.loss < low.point.loss { (low, high) = (high, low) }
        continue
      }
      if isFlat(current) {
        low = current
        break
      }
      if current.slope * (high.length - low.length) >= 0 { high = low }
      low = current
    }
    return (low.point, low.length, iterations + 1)
  }

  private func isTooHigh(_ trial: Trial) -> Bool {
    // So is a loss that is not a number, which lies too far out.
    !(trial.point.loss <= start.loss + c1 * trial.length * slope)
  }

  private func isFlat(_ trial: Trial) -> Bool { abs(trial.slope) <= -c2 * slope }

  /// A length between the two, kept from their ends where those were of little use.
  private func inside(_ low: Trial, _ high: Trial, _ hasMadeLittleProgress: inout Bool) -> Double {
    let (lower, upper) = (min(low.length, high.length), max(low.length, high.length))
    let length = interpolate(low, high, bounds: (lower, upper))
    let margin = 0.1 * (upper - lower)
    guard min(upper - length, length - lower) < margin else {
      hasMadeLittleProgress = false
      return length
    }
    guard hasMadeLittleProgress || length >= upper || length <= lower else {
      hasMadeLittleProgress = true
      return length
    }
    hasMadeLittleProgress = false
    return abs(length - upper) < abs(length - lower) ? upper - margin : lower + margin
  }

  /// The minimum of the cubic through two points with their slopes, within bounds.
  private func interpolate(_ a: Trial, _ b: Trial, bounds: (Double, Double)) -> Double {
    let (left, right) = a.length <= b.length ? (a, b) : (b, a)
    let width = right.length - left.length
    let bend = left.slope + right.slope - 3 * (left.point.loss - right.point.loss) / -width
    let square = bend * bend - left.slope * right.slope
    guard square >= 0 else { return (bounds.0 + bounds.1) / 2 }
    let root = square.squareRoot()
    let minimum =
      right.length - width * ((right.slope + root - bend) / (right.slope - left.slope + 2 * root))
    return min(max(minimum, bounds.0), bounds.1)
  }
}
