import DLLayers
import DLTensor

/// The views of an image whose outputs are averaged where a trained network is put to use.
///
/// Test-time augmentation; the six views are those of Jordan 2024, "94% on CIFAR-10 in 3.29 Seconds
/// on a Single GPU", section 3.5.
public enum TestViews: String, Sendable, CaseIterable {
  /// The image alone.
  case one
  /// The image and its mirror image.
  case mirrored
  /// Both, and each moved a pixel down and right, and up and left, the border mirrored; the two in
  /// place count as much as the four that were moved.
  case six

  /// The mean of a network's outputs, `[batch, ...]`, over the views of images
  /// `[batch, height, width, channels]`.
  func outputs(of network: any Layer, _ x: Tensor) throws -> Tensor {
    if self == .one { return try network(x) }
    guard x.shape.rank == 4, self == .mirrored || min(x.shape[1], x.shape[2]) > 1 else {
      throw TensorError(
        op: "views", "inputs have shape \(x.shape), \(rawValue) takes images of more than a pixel")
    }
    let mirror = try x.indexSelect(2, x.places(2) { x.shape[2] - 1 - $0 })
    let inPlace = try network(x) + network(mirror)
    guard self == .six else { return try inPlace * 0.5 }
    var moved: Tensor?
    for image in [x, mirror] {
      for distance in [-1, 1] {
        let outputs = try network(image.moved(1, distance).moved(2, distance))
        moved = try moved.map { try $0 + outputs } ?? outputs
      }
    }
    return try moved.map { try inPlace * 0.25 + $0 * 0.125 } ?? inPlace
  }
}

extension Tensor {
  /// The positions of an axis, each taken from somewhere on it.
  fileprivate func places(_ axis: Int, _ source: (Int) -> Int) throws -> Tensor {
    try .labels((0..<shape[axis]).map { Int32(source($0)) }, context: context)
  }

  /// The content moved along an axis, mirrored at the border.
  fileprivate func moved(_ axis: Int, _ distance: Int) throws -> Tensor {
    let last = shape[axis] - 1
    return try indexSelect(
      axis,
      places(axis) { place in
        let source = Swift.abs(place - distance)
        return source > last ? 2 * last - source : source
      })
  }
}
