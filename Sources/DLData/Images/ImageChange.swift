import DLFormats
import DLTensor

/// A change of an image of bytes, computed in place.
///
/// It draws from the stream that it is given, whose key is the seed, the epoch, the sample and the
/// view; the changes behind it draw on.
package protocol ImageChange: Sendable, Hashable {
  /// Changes one image; `scratch` has room for another.
  func apply(
    to image: PixelBuffer, scratch: UnsafeMutablePointer<UInt8>, random: inout RandomStream)
}

/// An image change of any type.
public struct AnyImageChange: Sendable, Hashable {
  let base: any ImageChange

  /// Makes room for a change of any type.
  package init(_ base: some ImageChange) { self.base = base }

  /// Returns whether both are equal changes of one type.
  public static func == (a: Self, b: Self) -> Bool { AnyHashable(a.base) == AnyHashable(b.base) }

  /// Hashes the change.
  public func hash(into hasher: inout Hasher) { base.hash(into: &hasher) }
}
