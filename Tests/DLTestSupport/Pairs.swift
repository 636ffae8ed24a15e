import Testing

/// The elements of two sequences side by side; an issue where the counts differ.
///
/// The standard library's `zip` ends with the shorter one, so that a test over it can compare less
/// than it says, or nothing.
public func zipped<A: Sequence, B: Sequence>(
  _ a: A, _ b: B, sourceLocation: SourceLocation = #_sourceLocation
) -> [(A.Element, B.Element)] {
  let (left, right) = (Array(a), Array(b))
  if left.count != right.count {
    Issue.record(
      "\(left.count) elements beside \(right.count)", sourceLocation: sourceLocation)
  }
  return Array(zip(left, right))
}

/// The elements of two sequences side by side, to compare them; an issue where the counts differ or
/// there is nothing to compare.
public func compared<A: Sequence, B: Sequence>(
  _ a: A, _ b: B, sourceLocation: SourceLocation = #_sourceLocation
) -> [(A.Element, B.Element)] {
  let pairs = zipped(a, b, sourceLocation: sourceLocation)
  if pairs.isEmpty { Issue.record("nothing to compare", sourceLocation: sourceLocation) }
  return pairs
}

/// The elements of a sequence; an issue where there are none, so that a loop over them tests nothing.
public func nonEmpty<S: Sequence>(
  _ elements: S, sourceLocation: SourceLocation = #_sourceLocation
) -> [S.Element] {
  let elements = Array(elements)
  if elements.isEmpty { Issue.record("no elements", sourceLocation: sourceLocation) }
  return elements
}
