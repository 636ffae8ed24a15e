import DLLayers
import DLTensor

/// The pixels of the input that an output depends on, and their distance from those of its
/// neighbor.
///
///     size = size + (window - 1) * distance,  distance = distance * stride
///
/// Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks" (2019),
/// equations 2 and 3.
package struct NetworkReceptiveField: Equatable {
  /// Pixels in one direction.
  package struct Axis: Equatable {
    var size = 1.0
    var distance = 1.0
    /// The pixels that an output depends on, the first output's own being 0; nil where that is not
    /// followed.
    package var pixels: Set<Int>? = [0]
    /// The distances between the taps of the windows on the way that have any.
    package var dilations: [Int] = []

    /// Behind a window, or its transposed.
    func behind(_ window: WindowAxis, isTransposed: Bool) -> Axis {
      guard isTransposed else {
        return Axis(
          size: size + Double(window.reach - 1) * distance,
          distance: distance * Double(window.stride), pixels: pixels(under: window),
          dilations: window.kernel > 1 ? dilations + [window.dilation] : dilations)
      }
      // So many input positions may cover an output position.
      let covering = (window.reach + window.stride - 1) / window.stride
      return Axis(
        size: size + Double(covering - 1) * distance, distance: distance / Double(window.stride),
        pixels: nil, dilations: dilations)
    }

    private func pixels(under window: WindowAxis) -> Set<Int>? {
      guard let pixels, let step = Int(exactly: distance), size < 4096, window.reach < 4096,
        step < 4096
      else { return nil }
      var result: Set<Int> = []
      for tap in 0..<window.kernel {
        let shift = (tap * window.dilation - window.before) * step
        for pixel in pixels { result.insert(pixel + shift) }
      }
      return result
    }

    /// The pixels between the first and the last one that an output depends on.
    package var extent: Int? {
      guard let pixels, let first = pixels.min(), let last = pixels.max() else { return nil }
      return last - first + 1
    }

    /// True if dilated windows leave pixels out, between the first and the last one.
    package var hasHoles: Bool {
      guard let extent, let pixels, dilations.contains(where: { $0 > 1 }) else { return false }
      return pixels.count < extent
    }
  }

  /// A window in one direction.
  struct WindowAxis {
    let kernel, dilation, stride: Int
    /// Pixels of padding in front.
    let before: Int

    var reach: Int { dilation * (kernel - 1) + 1 }
  }

  /// From top to bottom.
  package var height = Axis()
  /// From left to right.
  package var width = Axis()
  /// True if outputs depend on all of the input.
  package var isWhole = false

  /// The field of a layer's outputs over inputs with this one.
  func seen(by field: ReceptiveField) -> NetworkReceptiveField {
    func slid(_ window: Window2d, isTransposed: Bool) -> NetworkReceptiveField {
      var result = self
      let margins =
        switch window.padding {
        case .sides(let top, _, let left, _): (top: top, left: left)
        case .same: (top: (window.reach.height - 1) / 2, left: (window.reach.width - 1) / 2)
        }
      result.height = height.behind(
        WindowAxis(
          kernel: window.kernel.height, dilation: window.dilation.height,
          stride: window.stride.height, before: margins.top), isTransposed: isTransposed)
      result.width = width.behind(
        WindowAxis(
          kernel: window.kernel.width, dilation: window.dilation.width,
          stride: window.stride.width, before: margins.left), isTransposed: isTransposed)
      return result
    }
    switch field {
    case .position: return self
    case .window(let window): return slid(window, isTransposed: false)
    case .transposed(let window): return slid(window, isTransposed: true)
    case .everything:
      var result = self
      result.isWhole = true
      return result
    }
  }

  /// `5`, `5x3`, or `all`.
  package var text: String {
    if isWhole { return "all" }
    let (rows, columns) = (Int(height.size), Int(width.size))
    return rows == columns ? "\(rows)" : "\(rows)x\(columns)"
  }
}

/// The wider of two fields, with the pixels of both.
func max(_ a: NetworkReceptiveField, _ b: NetworkReceptiveField) -> NetworkReceptiveField {
  func wider(_ a: NetworkReceptiveField.Axis, _ b: NetworkReceptiveField.Axis)
    -> NetworkReceptiveField.Axis
  {
    let wider = a.size >= b.size ? a : b
    return NetworkReceptiveField.Axis(
      size: wider.size, distance: wider.distance,
      pixels: a.pixels.flatMap { pixels in b.pixels.map { pixels.union($0) } },
      dilations: wider.dilations)
  }
  return NetworkReceptiveField(
    height: wider(a.height, b.height), width: wider(a.width, b.width),
    isWhole: a.isWhole || b.isWhole)
}
