import DLFormats
import DLTensor
import Glibc

/// A window of an image at a random place, of a random share of its area and a random ratio of width
/// to height.
///
/// Szegedy et al. 2015, "Going Deeper with Convolutions". Counterpart: `torchvision.transforms.RandomResizedCrop`: the share is uniform, the ratio's
/// logarithm too; after ten windows that do not fit the largest one in the middle is taken whose ratio
/// is allowed.
public struct RandomWindow: Sendable, Hashable {
  /// The least and the greatest share of the area.
  package var scale: [Double]
  /// The least and the greatest ratio of width to height.
  package var ratio: [Double]

  package init(scale: [Double] = [0.08, 1], ratio: [Double] = [3.0 / 4, 4.0 / 3]) {
    self.scale = scale
    self.ratio = ratio
  }

  /// True if the numbers are ranges that windows can be drawn from.
  var isValid: Bool {
    scale.count == 2 && ratio.count == 2 && scale[0] > 0 && scale[0] <= scale[1] && scale[1] <= 1
      && ratio[0] >= 1e-3 && ratio[0] <= ratio[1] && ratio[1] <= 1e3
  }

  /// The window of an image of a size.
  package func draw(height: Int, width: Int, _ stream: inout RandomStream) -> PixelWindow {
    func number(_ low: Double, _ high: Double) -> Double { low + stream.uniform() * (high - low) }
    for _ in 0..<10 {
      let area = Double(height) * Double(width) * number(scale[0], scale[1])
      let aspect = PortableMath.exp(number(PortableMath.log(ratio[0]), PortableMath.log(ratio[1])))
      let w = Int((area * aspect).squareRoot().rounded(.toNearestOrEven))
      let h = Int((area / aspect).squareRoot().rounded(.toNearestOrEven))
      if w > 0, w <= width, h > 0, h <= height {
        let top = stream.upTo(height - h + 1)
        let left = stream.upTo(width - w + 1)
        return PixelWindow(top: top, left: left, height: h, width: w)
      }
    }
    let found = Double(width) / Double(height)
    var (h, w) = (height, width)
    if found < ratio[0] {
      h = Int((Double(w) / ratio[0]).rounded(.toNearestOrEven))
    } else if found > ratio[1] {
      w = Int((Double(h) * ratio[1]).rounded(.toNearestOrEven))
    }
    (h, w) = (min(max(h, 1), height), min(max(w, 1), width))
    return PixelWindow(top: (height - h) / 2, left: (width - w) / 2, height: h, width: w)
  }
}
