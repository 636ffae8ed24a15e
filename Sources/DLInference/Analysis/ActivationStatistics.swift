import DLCore
import DLLayers
import DLTensor
import DLTraining

/// The statistics of each layer's outputs over all rows: mean, deviation, how many are 0 or
/// saturated, and units that are 0 for every row.
package struct ActivationStatistics: AnalysisSection {
  package static let key = "activations"
  package let title = "Activations"

  /// A layer without layers of its own.
  package struct Layer: Sendable {
    package let name: String
    package let kind: String
    /// The channels of the output: its last axis.
    package let units: Int
    package let mean: Double
    package let deviation: Double
    /// The share of outputs that are 0.
    package let zeros: Double
    /// The share near the bounds of a sigmoid or a hyperbolic tangent; nil for other layers.
    package let saturated: Double?
    /// Units that are 0 at every place of every row.
    package let dead: Int
  }

  package let layers: [Layer]

  package static func make(_ analysis: Analysis) throws -> ActivationStatistics? {
    let surface = analysis.surface
    // All ranks learn from a row of zeros what layers there are, those without rows too.
    let plan = try surface.context.communicator.agreed("look at the layers") {
      let row = try surface.dataset.rowsOfZeros(
        inputs: surface.transform.outputType, context: surface.context)
      surface.context.beginForward(rowOffset: 0)
      return try surface.trace(row).map { LayerPlan($0) }
    }
    guard !plan.isEmpty else { return nil }
    let width = plan.reduce(0) { $0 + $1.width }
    let sums = try surface.sum(width, "look at the layers' outputs") { batch, into in
      let steps = try surface.trace(batch)
      guard steps.count == plan.count else {
        throw TensorError(op: "analyze", "the network applies other layers from batch to batch")
      }
      var place = 0
      for (step, layer) in zip(steps, plan) {
        try layer.add(step.output, to: into + place)
        place += layer.width
      }
    }.doubles
    var place = 0
    return ActivationStatistics(
      layers: plan.map { layer in
        defer { place += layer.width }
        return layer.result(Array(sums[place..<place + layer.width]))
      })
  }

  package func text(columns: Int?) -> String {
    let rows = layers.map {
      [
        $0.name, $0.kind, Format.grouped($0.units), Format.significant($0.mean, 3),
        Format.significant($0.deviation, 3), Format.percent($0.zeros, 1),
        $0.saturated.map { Format.percent($0, 1) } ?? "",
        $0.dead > 0 ? Format.grouped($0.dead) : "",
      ]
    }
    return Format.table(
      [["layer", "kind", "units", "mean", "deviation", "zeros", "saturated", "dead"]] + rows,
      rightAligned: [2, 3, 4, 5, 6, 7], columns: columns)
  }

  package var json: JSON {
    .array(
      layers.map {
        [
          "layer": .string($0.name), "kind": .string($0.kind), "units": .integer($0.units),
          "mean": .number($0.mean), "deviation": .number($0.deviation), "zeros": .number($0.zeros),
          "saturated": $0.saturated.map { .number($0) } ?? .null, "dead": .integer($0.dead),
        ]
      })
  }
}

/// The sums over a layer's outputs: their number, sum, sum of squares, those that are not 0,
/// those that are saturated, and for each unit those that are not 0.
private struct LayerPlan {
  let name: String
  let kind: String
  let units: Int
  /// The middle and half the width of the values that do not count as saturated.
  let band: (middle: Double, half: Double)?

  var width: Int { 5 + units }

  init(_ step: LayerTrace.Step) {
    name = step.layer.path.isEmpty ? "-" : step.layer.path
    kind = String("\(type(of: step.layer))".prefix { $0 != "<" })
    units = step.output.shape.last
    band =
      step.layer is Tanh ? (0, 0.99) : step.layer is Sigmoid ? (0.5, 0.49) : nil
  }

  func add(_ y: Tensor, to sums: UnsafeMutablePointer<Double>) throws {
    guard y.shape.last == units, y.dtype == .float64 else {
      throw TensorError(op: "analyze", "the outputs of \(kind) \(name) change their width")
    }
    let context = y.context
    func indicator(_ mask: Tensor) throws -> Tensor {
      let one = try Tensor.full([], 1, dtype: .float64, context: context)
      return try one.where(mask, else: .zeros([], dtype: .float64, context: context))
    }
    let active = try indicator(y .!= 0).reshape([y.shape.leading, units]).sum(axis: 0)
    sums[0] += Double(y.count)
    sums[1] += try y.sum().scalar
    sums[2] += try y.square().sum().scalar
    sums[3] += try active.sum().scalar
    if let band {
      sums[4] += try indicator((y + -band.middle).abs() .> band.half).sum().scalar
    }
    for (unit, count) in active.doubles.enumerated() { sums[5 + unit] += count }
  }

  func result(_ sums: [Double]) -> ActivationStatistics.Layer {
    let count = max(sums[0], 1)
    let mean = sums[1] / count
    return ActivationStatistics.Layer(
      name: name, kind: kind, units: units, mean: mean,
      deviation: max(sums[2] / count - mean * mean, 0).squareRoot(), zeros: 1 - sums[3] / count,
      saturated: band == nil ? nil : sums[4] / count, dead: sums[5...].count { $0 == 0 })
  }
}

extension LossSurface {
  /// The layers without layers of their own, as a batch goes through them, with outputs that are
  /// numbers.
  fileprivate func trace(_ batch: Batch) throws -> [LayerTrace.Step] {
    try context.withoutRecording {
      try LayerTrace.of(context) { _ = try task.lossSum(batch, phase: 0) }.steps
        .filter { !$0.isContainer && $0.output.dtype == .float64 && $0.output.shape.rank > 1 }
    }
  }
}
