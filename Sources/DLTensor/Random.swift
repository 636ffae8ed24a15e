import CKernels
import DLCore
import Glibc

/// A 64-bit key that names a stream of random numbers.
///
/// Keys form a tree: `RandomKey(seed).child("layer1.conv").child(3)` depends on the seed and on the
/// path alone, never on which draws were made before. A string is hashed by 64-bit FNV-1a over its
/// UTF-8; a child's value is mix(mix(parent) + golden * (hash + 1)), where mix is the finaliser of
/// splitmix64 (Steele, Lea, Flood 2014) and golden its increment.
public struct RandomKey: Sendable, Hashable {
  /// The key's 64 bits.
  package let value: UInt64

  /// The root of a tree.
  public init(_ seed: UInt64) { value = Self.mix(seed &+ Self.golden) }

  /// The root of a tree; a negative seed is taken by its bits.
  public init(_ seed: Int) { self.init(UInt64(bitPattern: Int64(seed))) }

  private init(value: UInt64) { self.value = value }

  /// Returns the key of that number below this one.
  public func child(_ index: Int) -> RandomKey { child(hash: UInt64(bitPattern: Int64(index))) }

  /// Returns the key of that name below this one.
  public func child(_ name: String) -> RandomKey {
    // A mix of its own, so that no short name equals a small number.
    child(hash: Self.mix(stableHash(name)))
  }

  private func child(hash: UInt64) -> RandomKey {
    RandomKey(value: Self.mix(Self.mix(value) &+ Self.golden &* (hash &+ 1)))
  }

  private static let golden: UInt64 = 0x9e37_79b9_7f4a_7c15

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// The random numbers of a key, in order: the blocks of Philox4x32-10 for counters 0, 1, 2, ...
///
/// Philox is a function of counter and key, without state (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as
/// easy as 1, 2, 3, SC 2011).
public struct RandomStream: Sendable, RandomNumberGenerator {
  private let key: UInt64
  private let lane: UInt64
  private var counter: UInt64 = 0
  private var block: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
  private var used = 4
  private var spare: Double?

  /// The stream of a key; each of the 2^64 lanes of a key is a stream of its own.
  public init(_ key: RandomKey, lane: UInt64 = 0) {
    self.key = key.value
    self.lane = lane
  }

  /// The next 32 random bits.
  package mutating func nextUInt32() -> UInt32 {
    if used == 4 {
      block = dl_philox_at(key, counter, lane).word
      counter &+= 1
      used = 0
    }
    used += 1
    return switch used {
    case 1: block.0
    case 2: block.1
    case 3: block.2
    default: block.3
    }
  }

  /// The next 64 random bits, the low half drawn first.
  public mutating func next() -> UInt64 {
    let low = UInt64(nextUInt32())
    return low | UInt64(nextUInt32()) << 32
  }

  /// A double in [0, 1), a multiple of 2^-53.
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A double in the range, uniform: low + u * (high - low).
  public mutating func uniform(in range: Range<Double>) -> Double {
    let value = range.lowerBound + uniform() * (range.upperBound - range.lowerBound)
    // Rounding may reach the upper bound.
    return value < range.upperBound ? value : range.lowerBound
  }

  /// A standard normal double, by Box and Muller's transform; they come in pairs.
  public mutating func normal() -> Double {
    if let value = spare {
      spare = nil
      return value
    }
    let radius = (-2 * PortableMath.log(1 - uniform())).squareRoot()
    let angle = 2 * Double.pi * uniform()
    spare = radius * PortableMath.sin(angle)
    return radius * PortableMath.cos(angle)
  }

  /// An integer in 0 ..< count, each as likely (Lemire 2019); `count` must be positive.
  package mutating func upTo(_ count: Int) -> Int {
    precondition(count > 0, "upTo: count must be positive")
    let bound = UInt64(count)
    var product = next().multipliedFullWidth(by: bound)
    if product.low < bound {
      let threshold = (0 &- bound) % bound
      while product.low < threshold { product = next().multipliedFullWidth(by: bound) }
    }
    return Int(product.high)
  }

  /// Puts the elements into a random order (Fisher and Yates, from the end); O(n).
  package mutating func shuffle<T>(_ values: inout [T]) {
    values.withUnsafeMutableBufferPointer { values in
      for last in stride(from: values.count - 1, to: 0, by: -1) {
        values.swapAt(last, upTo(last + 1))
      }
    }
  }
}
