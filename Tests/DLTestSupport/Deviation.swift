/// Where two arrays of numbers differ most, and by how much: |got - want| in units of `unit(want)`.
///
/// The deviation is infinite where the counts differ, where there is nothing to compare unless
/// `allowsNone`, and where a number is not finite; with `sameSpecials` equal infinities, and NaN
/// beside NaN, count as equal.
///
/// - Parameter unit: what counts as 1 for a wanted value; the larger of 1 and its size by default.
public func farthest(
  _ got: [Double], _ want: [Double], allowsNone: Bool = false, sameSpecials: Bool = false,
  unit: (Double) -> Double = { max(1, abs($0)) }
) -> (index: Int, deviation: Double) {
  guard got.count == want.count, allowsNone || !got.isEmpty else {
    return (min(got.count, want.count), .infinity)
  }
  var worst = (index: 0, deviation: 0.0)
  for index in got.indices {
    let (a, b) = (got[index], want[index])
    if sameSpecials && (a == b || a.isNaN && b.isNaN) { continue }
    let distance = a - b == 0 ? 0 : abs(a - b) / unit(b)
    guard distance.isFinite else { return (index, .infinity) }
    if distance > worst.deviation { worst = (index, distance) }
  }
  return worst
}

/// The largest |got - want| in units of `unit(want)`, as ``farthest(_:_:allowsNone:sameSpecials:unit:)``
/// finds it.
public func deviation(
  _ got: [Double], _ want: [Double], allowsNone: Bool = false, sameSpecials: Bool = false,
  unit: (Double) -> Double = { max(1, abs($0)) }
) -> Double {
  farthest(got, want, allowsNone: allowsNone, sameSpecials: sameSpecials, unit: unit).deviation
}

/// Whether |got - want| is at most `absolute + relative * |want|` everywhere, and there is something
/// to compare.
public func isWithin(
  _ got: [Double], _ want: [Double], relative: Double, absolute: Double
) -> Bool {
  deviation(got, want) { absolute + relative * abs($0) } <= 1
}
