/// Repeatable numbers by SplitMix64 (Steele, Lea and Flood 2014), independent of the library's own.
public struct Numbers {
  private var state: UInt64

  /// Starts the sequence of a seed.
  public init(seed: UInt64) { state = seed }

  /// The next 64 bits.
  public mutating func bits() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// The next number in -1 ..< 1.
  public mutating func next() -> Double { Double(bits() >> 11) / Double(1 << 52) - 1 }

  /// The next integer in 0 ..< `bound`.
  public mutating func below(_ bound: Int) -> Int { Int(bits() % UInt64(bound)) }

  /// The next `count` numbers in -1 ..< 1.
  public mutating func array(_ count: Int) -> [Double] { (0..<count).map { _ in next() } }
}
