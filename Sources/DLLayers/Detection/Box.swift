import DLTensor
import Glibc

/// A rectangle on an image, in pixels from its upper left corner.
public struct Box: Sendable, Hashable {
  /// The left edge.
  public var left: Double
  /// The upper edge.
  public var top: Double
  /// The right edge.
  public var right: Double
  /// The lower edge.
  public var bottom: Double

  /// Makes a box of its edges.
  public init(left: Double, top: Double, right: Double, bottom: Double) {
    (self.left, self.top, self.right, self.bottom) = (left, top, right, bottom)
  }

  /// From left to right.
  public var width: Double { right - left }
  /// From top to bottom.
  public var height: Double { bottom - top }
  /// Its pixels.
  public var area: Double { width * height }

  /// The area that two boxes share over the area that either covers, 0 to 1.
  ///
  /// Counterpart: `torchvision.ops.box_iou`.
  public func intersectionOverUnion(_ other: Box) -> Double {
    let shared =
      max(min(right, other.right) - max(left, other.left), 0)
      * max(min(bottom, other.bottom) - max(top, other.top), 0)
    let union = area + other.area - shared
    return union > 0 ? shared / union : 0
  }

  /// The distance of a box from this one, an anchor, in four numbers that a network learns:
  /// `(Δx / width, Δy / height, log of the widths' ratio, log of the heights')`, Δ between centers.
  ///
  /// Girshick et al. 2014, equations 6 to 9. Counterpart: torchvision's `BoxCoder` with weights of 1.
  package func offsets(to box: Box) -> [Double] {
    [
      (box.left + box.right - left - right) / 2 / width,
      (box.top + box.bottom - top - bottom) / 2 / height,
      PortableMath.log(box.width / width), PortableMath.log(box.height / height),
    ]
  }

  /// The box that lies at such a distance from this one; sizes grow by no more than 62.5 times.
  package func moved(by offsets: ArraySlice<Double>) -> Box {
    let first = offsets.startIndex
    let largest = PortableMath.log(1000.0 / 16)
    let (x, y) = (
      (left + right) / 2 + offsets[first] * width, (top + bottom) / 2 + offsets[first + 1] * height
    )
    let (halfWidth, halfHeight) = (
      PortableMath.exp(min(offsets[first + 2], largest)) * width / 2,
      PortableMath.exp(min(offsets[first + 3], largest)) * height / 2
    )
    return Box(
      left: x - halfWidth, top: y - halfHeight, right: x + halfWidth, bottom: y + halfHeight)
  }

  /// The part of it that lies on an image.
  package func clipped(height: Double, width: Double) -> Box {
    func inside(_ value: Double, _ limit: Double) -> Double { min(max(value, 0), limit) }
    return Box(
      left: inside(left, width), top: inside(top, height), right: inside(right, width),
      bottom: inside(bottom, height))
  }
}

/// An object on an image: its class, where it is, and how sure a network is of it.
public struct Detection: Sendable, Hashable {
  /// The class.
  public var label: Int
  /// The probability, 0 to 1; 1 for what is known.
  public var score: Double
  /// The object's place.
  public var box: Box

  /// Makes an object.
  public init(label: Int, score: Double = 1, box: Box) {
    (self.label, self.score, self.box) = (label, score, box)
  }
}

extension [Detection] {
  /// The surest of those that show the same: in falling order of score each that overlaps none of its
  /// class before it by more than `threshold`.
  ///
  /// Equal scores stay in their order. Counterpart: `torchvision.ops.batched_nms`.
  package func withoutRepeats(overlap threshold: Double) -> [Detection] {
    let order = enumerated().sorted {
      ($1.element.score, $0.offset) < ($0.element.score, $1.offset)
    }
    var kept: [Detection] = []
    for (_, candidate) in order {
      let isRepeat = kept.contains {
        $0.label == candidate.label
          && $0.box.intersectionOverUnion(candidate.box) > threshold
      }
      if !isRepeat { kept.append(candidate) }
    }
    return kept
  }
}
