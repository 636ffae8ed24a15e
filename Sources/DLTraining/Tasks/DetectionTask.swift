import DLData
import DLLayers
import DLTensor

/// A one-stage object detector: a chain that ends with a ``DetectionHead``.
///
/// Labels are `[rows, objects, 5]`: class, left, top, right and bottom of each object in pixels, and a
/// class of -1 where an image has fewer.
final class DetectionTask: NetworkTask {
  private let network: Sequential
  private let head: DetectionHead
  private let image: (height: Int, width: Int)

  var model: Module { network }

  /// Takes a chain that ends with `detect`.
  ///
  /// - Throws: `TensorError` for one that stands elsewhere, another loss, or changes of images that
  ///   boxes do not follow.
  static func make(_ network: Module, _ input: TaskInput) throws -> (any TrainingTask)? {
    guard network.modules().contains(where: { $0 is DetectionHead }) else { return nil }
    guard let chain = network as? Sequential, let head = chain.layers.last as? DetectionHead,
      chain.modules().count(where: { $0 is DetectionHead }) == 1
    else {
      throw TensorError(
        op: "detect", "stands within a network; make it the last layer of the chain")
    }
    let configuration = input.configuration
    try configuration.requireNoLoss("a network that ends with detect")
    guard configuration.data.augment.isEmpty, configuration.validate.views == .one else {
      throw TensorError(
        op: "detect",
        "the boxes of objects do not move with an image; leave out data.augment and validate.views")
    }
    return DetectionTask(chain, head, image: (input.inputShape[0], input.inputShape[1]))
  }

  private init(_ network: Sequential, _ head: DetectionHead, image: (height: Int, width: Int)) {
    self.network = network
    self.head = head
    self.image = image
  }

  func domains(_ row: Batch) throws -> DataDomains {
    var domains = DataDomains()
    domains.inputs = network.inputDomain
    (domains.labels, domains.labelTaker) = (.objects(classes: head.options.classes), "detect")
    // Rows to predict have no labels.
    if row.y.count > 0 { _ = try objects(row) }
    return domains
  }

  func denominator(_ batch: Batch, phase: Int) throws -> Double {
    let grid = try grid(batch)
    let positives = try objects(batch).map { row in
      grid.matches(row.map(\.box)).count { $0 >= 0 }
    }
    return Double(positives.reduce(0, +))
  }

  func lossSum(_ batch: Batch, phase: Int) throws -> Tensor {
    let outputs = try network(batch.x)
    return try head.lossSum(
      outputs, objects(batch), grid: head.grid(outputs.shape, image: image))
  }

  func evaluate(_ batch: Batch, into totals: inout ValidationTotals) throws {
    let outputs = try network(batch.x)
    let (grid, wanted) = (head.grid(outputs.shape, image: image), try objects(batch))
    totals.lossSum += try head.lossSum(outputs, wanted, grid: grid).scalar
    totals.denominator += try denominator(batch, phase: 0)
    let found = try head.detections(outputs, grid: grid, image: image)
    try totals.add(
      .objects(found: found, wanted: wanted, classes: head.options.classes))
  }

  func defaultMetrics(_ kind: PredictionKind) -> [any MetricSpec] { [MeanAveragePrecision()] }

  func predictions(_ batch: Batch) throws -> Predictions {
    let outputs = try network(batch.x)
    let grid = head.grid(outputs.shape, image: image)
    return .objects(try head.detections(outputs, grid: grid, image: image))
  }

  /// The anchors of the network's outputs, which depend on the shape of its inputs alone.
  private func grid(_ batch: Batch) throws -> AnchorGrid {
    var shape = Shape(Array(batch.x.shape.dimensions.dropFirst()))
    for layer in network.layers { shape = try layer.outputShape(for: shape) }
    return head.grid(shape.prepending(1), image: image)
  }

  /// The objects of each row.
  ///
  /// - Throws: `TensorError` for labels of another shape, a class that the head lacks, or a box without
  ///   pixels.
  private func objects(_ batch: Batch) throws -> [[Detection]] {
    let shape = batch.y.shape
    guard batch.y.dtype.isReal, shape.rank == 3, shape[2] == 5 else {
      throw TensorError(
        op: "detect",
        "labels are \(batch.y.dtype) \(shape), expected numbers [batch, objects, 5]: class, left, "
          + "top, right, bottom")
    }
    let values = batch.y.doubles
    // Zeros, by which shapes are tried, are no object.
    return try (0..<shape[0]).map { row in
      try (0..<shape[1]).compactMap { slot in
        let at = (row * shape[1] + slot) * 5
        let box = Box(
          left: values[at + 1], top: values[at + 2], right: values[at + 3], bottom: values[at + 4])
        if values[at] < 0 || values[at..<at + 5].allSatisfy({ $0 == 0 }) { return nil }
        guard let label = Int(exactly: values[at]),
          ValueDomain.isObject(values[at..<at + 5], classes: head.options.classes)
        else {
          throw TensorError(
            op: "detect",
            "object \(slot) of row \(batch.firstRow + row) has class \(values[at]) and edges "
              + "\(box.left), \(box.top), \(box.right), \(box.bottom); expected a class below "
              + "\(head.options.classes) and a box of some pixels")
        }
        return Detection(label: label, box: box)
      }
    }
  }
}
