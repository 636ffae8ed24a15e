/// The extents of a tensor, outermost first; up to eight axes, held inline so that a shape costs no
/// allocation.
public struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
  /// The number of axes that a shape can hold.
  package static let maximumRank = 8

  private var extents = SIMD8<Int>(repeating: 1)
  /// The number of axes; 0 for a scalar.
  public private(set) var rank: Int

  /// Makes a shape of the given extents.
  ///
  /// - Precondition: at most eight extents, none negative. Values that come from a file or a user
  ///   go through `init(checking:)`.
  public init(_ dimensions: some Collection<Int>) {
    precondition(dimensions.count <= Shape.maximumRank, "a shape has at most 8 axes")
    rank = dimensions.count
    for (axis, extent) in dimensions.enumerated() {
      precondition(extent >= 0, "an extent is negative")
      extents[axis] = extent
    }
  }

  /// Makes a shape of extents that nobody has checked yet; nil when one is negative, there are more
  /// than eight, or their product overflows.
  package init?(checking dimensions: some Collection<Int>) {
    guard dimensions.count <= Shape.maximumRank, dimensions.allSatisfy({ $0 >= 0 }) else {
      return nil
    }
    var product = 1
    for extent in dimensions {
      let (next, overflow) = product.multipliedReportingOverflow(by: max(extent, 1))
      if overflow { return nil }
      product = next
    }
    self.init(dimensions)
  }

  /// Makes a shape from a literal such as `[64, 28, 28, 1]`.
  public init(arrayLiteral elements: Int...) { self.init(elements) }

  /// The number of elements: the product of the extents, `Int.max` where it overflows.
  public var count: Int {
    var product = 1
    for axis in 0..<rank {
      if extents[axis] == 0 { return 0 }
      let (next, overflow) = product.multipliedReportingOverflow(by: extents[axis])
      product = overflow ? Int.max : next
    }
    return product
  }

  /// The extent of an axis; negative axes count from the end, `shape[-1]` being the last.
  public subscript(axis: Int) -> Int {
    get { extents[resolved(axis)] }
    set { extents[resolved(axis)] = newValue }
  }

  /// The extents as an array.
  public var dimensions: [Int] { (0..<rank).map { extents[$0] } }

  /// The last extent, or 1 for a scalar.
  public var last: Int { rank == 0 ? 1 : extents[rank - 1] }

  /// The product of all extents but the last.
  package var leading: Int { last == 0 ? dropLast().count : count / last }

  /// The shape without its first axis; itself for a scalar.
  public func dropFirst() -> Shape {
    guard rank > 0 else { return self }
    var result = self
    for axis in 1..<rank { result.extents[axis - 1] = extents[axis] }
    return result.dropLast()
  }

  /// The shape without its last axis; itself for a scalar.
  public func dropLast() -> Shape {
    guard rank > 0 else { return self }
    var result = self
    // Extents behind the last axis are 1, so that equal shapes have equal bits.
    result.extents[rank - 1] = 1
    result.rank -= 1
    return result
  }

  /// The shape with one more axis in front.
  package func prepending(_ extent: Int) -> Shape { Shape([extent] + dimensions) }

  /// The product of the extents over a range of axes.
  package func product(_ axes: Range<Int>) -> Int { axes.reduce(1) { $0 * extents[$1] } }

  /// The extents in brackets, as in `[64, 28, 28, 1]`.
  public var description: String { "\(dimensions)" }

  private func resolved(_ axis: Int) -> Int {
    let index = axis < 0 ? axis + rank : axis
    precondition(index >= 0 && index < rank, "axis \(axis) of a shape with \(rank) axes")
    return index
  }

  /// The shape that two operands broadcast to by NumPy's rules, or nil where they do not fit.
  package static func broadcast(_ a: Shape, _ b: Shape) -> Shape? {
    let rank = max(a.rank, b.rank)
    var result = Shape([Int](repeating: 1, count: rank))
    for back in 1..<(rank + 1) {
      let left = back <= a.rank ? a[-back] : 1
      let right = back <= b.rank ? b[-back] : 1
      guard left == right || left == 1 || right == 1 else { return nil }
      result[-back] = left == 1 ? right : left
    }
    return result
  }
}
