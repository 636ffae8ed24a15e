import DLConfiguration
import DLData
import DLLayers
import DLTensor

/// The views of an image whose outputs are averaged where a trained network is put to use.
///
/// Test-time augmentation; the six views are those of Jordan 2024, "94% on CIFAR-10 in 3.29 Seconds
/// on a Single GPU", section 3.5.
package enum TestTimeAugmentation: String, ConfigurationWord {
  /// The image alone.
  case one
  /// The image and its mirror image.
  case mirrored
  /// Both, and each moved a pixel down and right, and up and left, the border mirrored; the two in
  /// place count as much as the four that were moved.
  case six

  /// Returns whether rows of this shape can be seen so.
  func fit(_ input: Shape) -> Bool {
    self == .one || input.rank == 3 && (self == .mirrored || min(input[0], input[1]) > 1)
  }

  /// The mean of a network's outputs, `[batch, ...]`, over the views of images
  /// `[batch, height, width, channels]` that they fit.
  func outputs(of network: any Layer, _ x: Tensor) throws -> Tensor {
    if self == .one { return try network(x) }
    let mirror = try x.indexSelect(2, x.places(2) { x.shape[2] - 1 - $0 })
    let inPlace = try network(x) + network(mirror)
    guard self == .six else { return try inPlace * 0.5 }
    let moved = try [x, mirror].flatMap { image in
      try [-1, 1].map { try network(image.moved(1, $0).moved(2, $0)) }
    }
    return try inPlace * 0.25 + moved.dropFirst().reduce(moved[0]) { try $0 + $1 } * 0.125
  }
}

extension Tensor {
  /// The positions of an axis, each taken from somewhere on it.
  fileprivate func places(_ axis: Int, _ source: (Int) -> Int) throws -> Tensor {
    try .labels((0..<shape[axis]).map { Int32(source($0)) }, context: context)
  }

  /// The content moved along an axis, mirrored at the border.
  fileprivate func moved(_ axis: Int, _ distance: Int) throws -> Tensor {
    try indexSelect(
      axis,
      places(axis) { place in
        Augmentation.PaddingMode.reflect.source(of: place - distance, size: shape[axis]) ?? place
      })
  }
}
