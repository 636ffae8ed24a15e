import DLConfiguration
import DLTensor

/// The last layer of a one-stage object detector over images, which knows what its outputs stand
/// for.
///
/// Each place of the feature map has anchors, one for each ratio and size. The first channels are scores of
/// the classes of each anchor, the others four offsets of each from its box. The layer itself hands
/// them on. Shapes: `[batch, height, width, anchors · (classes + 4)]`, unchanged. Lin et al. 2017, "Focal
/// Loss for Dense Object Detection". Counterpart: the outputs of torchvision's `RetinaNetHead`.
package final class DetectionHead: BuiltInLayer {
  /// The options of the layer.
  package struct Options: LayerSpec {
    package static var word: String { "detect" }
    /// Classes of objects.
    package var classes = 1
    /// Square roots of the anchors' areas, in pixels.
    package var sizes: [Double] = [16]
    /// Heights of the anchors over their widths.
    package var ratios: [Double] = [1]
    /// The probability from which on an object is told.
    package var scoreThreshold = 0.05
    /// The largest overlap of objects of one class.
    package var nmsThreshold = 0.5
    /// The most objects of an image.
    package var detections = 100
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init("classes", \.classes, .layerSize, required: true, "classes of objects"),
        .init("sizes", \.sizes, .above(0), "square roots of the anchors' areas, in pixels"),
        .init("ratios", \.ratios, .above(0), "heights of the anchors over their widths"),
        .init(
          "score_threshold", \.scoreThreshold, .within(0...1),
          "probability above which an object is told"),
        .init(
          "nms_threshold", \.nmsThreshold, .within(0...1),
          "intersection over union above which the less sure of two objects of a class is left out"),
        .init("detections", \.detections, .within(1...10_000), "most objects of an image"),
      ]
    }
    /// Lists that are empty.
    package func problems() -> [ConfigurationProblem] {
      [("sizes", sizes), ("ratios", ratios)].filter { $1.isEmpty }
        .map { .init($0.0, message: "give one or more") }
    }
    /// Makes the layer for inputs of shape `[batch] + input`.
    ///
    /// - Throws: ``TensorError`` unless inputs are `[height, width, anchors · (classes + 4)]`.
    package func layer(for input: Shape) throws -> any Layer {
      let layer = DetectionHead(self)
      _ = try layer.outputShape(for: input)
      return layer
    }
  }

  package let options: Options

  /// Makes the layer by its options.
  package init(_ options: Options) { self.options = options }

  /// The anchors of a place.
  package var anchors: Int { options.sizes.count * options.ratios.count }

  /// Hands the numbers on.
  override func forward(from x: Tensor) throws -> Tensor { x }

  override func outputShape(from input: Shape) throws -> Shape {
    let (wanted, overflow) = anchors.multipliedReportingOverflow(by: options.classes + 4)
    guard input.rank == 3, !overflow, input[2] == wanted else {
      throw TensorError(
        op: Options.word,
        "input has shape \(input), expected [height, width, \(wanted)]: \(anchors) anchors of "
          + "\(options.classes) scores and 4 offsets")
    }
    return input
  }

  /// The anchors over an image of that size for outputs of a shape, its batch axis included.
  package func grid(_ outputs: Shape, image: (height: Int, width: Int)) -> AnchorGrid {
    AnchorGrid(
      map: (outputs[1], outputs[2]), image: image, sizes: options.sizes, ratios: options.ratios)
  }

  /// The scores `[batch · anchors, classes]` and the offsets `[batch · anchors, 4]` of all anchors.
  ///
  /// - Throws: ``TensorError`` where there are too few channels for its anchors, or no memory.
  package func parts(_ x: Tensor) throws -> (scores: Tensor, offsets: Tensor) {
    let (places, width) = (x.shape.product(0..<3) * anchors, anchors * options.classes)
    return (
      try x.narrow(3, start: 0, length: width).reshape([places, options.classes]),
      try x.narrow(3, start: width, length: 4 * anchors).reshape([places, 4])
    )
  }

  /// `Σ focal(scores) + Σ smooth L1(offsets)` over the images' anchors, the first over those that are
  /// an object's or background, the second over an object's; see ``AnchorGrid/matches(_:)``.
  ///
  /// Focal loss with alpha 1/4 and gamma 2, smooth L1 with beta 1/9. What the sum is divided by is the number of objects'
  /// anchors.
  ///
  /// - Throws: ``TensorError`` for outputs of another shape.
  package func lossSum(_ x: Tensor, _ objects: [[Detection]], grid: AnchorGrid) throws -> Tensor {
    try located {
      let context = x.context
      var (counted, positive): ([Int32], [Int32]) = ([], [])
      var (targets, wanted): ([Double], [Double]) = ([], [])
      for (row, objects) in objects.enumerated() {
        for (place, match) in grid.matches(objects.map(\.box)).enumerated()
        where match != AnchorGrid.undecided {
          let anchor = Int32(row * grid.boxes.count + place)
          counted.append(anchor)
          let first = targets.count
          targets.append(contentsOf: repeatElement(0, count: options.classes))
          guard match >= 0 else { continue }
          targets[first + objects[match].label] = 1
          positive.append(anchor)
          wanted += grid.boxes[place].offsets(to: objects[match].box)
        }
      }
      guard !counted.isEmpty else { return try x.sum() }
      let (scores, offsets) = try parts(x)
      func rows(_ tensor: Tensor, _ rows: [Int32], _ values: [Double]) throws -> (Tensor, Tensor) {
        let chosen = try tensor.indexSelect(0, .labels(rows, context: context))
        return (
          chosen, try .values(values, shape: chosen.shape, dtype: x.dtype, context: context)
        )
      }
      let (logits, classes) = try rows(scores, counted, targets)
      let loss = try Focal().sum(logits, classes)
      guard !positive.isEmpty else { return loss }
      let (moves, right) = try rows(offsets, positive, wanted)
      return try loss + SmoothL1(beta: 1.0 / 9).sum(moves, right)
    }
  }

  /// The objects that the outputs tell of, image by image, the surest first.
  ///
  /// The 1,000 surest pairs of anchor and class above the threshold are moved, cut at the image's edges
  /// and cleared of repeats.
  ///
  /// - Throws: ``TensorError`` for outputs of another shape.
  package func detections(
    _ x: Tensor, grid: AnchorGrid, image: (height: Int, width: Int)
  ) throws -> [[Detection]] {
    try located {
      let (scores, offsets) = try parts(x)
      let (probabilities, moves) = (try scores.sigmoid().doubles, offsets.doubles)
      let (classes, count) = (options.classes, grid.boxes.count)
      return (0..<x.shape[0]).map { row in
        let first = row * count * classes
        let candidates = (first..<first + count * classes)
          .filter { probabilities[$0] > options.scoreThreshold }
          .sorted { (probabilities[$1], $0) < (probabilities[$0], $1) }
          .prefix(1000)
        let found = candidates.map { index in
          let anchor = index / classes
          return Detection(
            label: index % classes, score: probabilities[index],
            box: grid.boxes[anchor - row * count].moved(by: moves[4 * anchor..<4 * anchor + 4])
              .clipped(height: Double(image.height), width: Double(image.width)))
        }
        return Array(
          found.withoutRepeats(overlap: options.nmsThreshold).prefix(options.detections))
      }
    }
  }
}
