import DLCore
import DLData
import DLLayers
import DLTensor
import DLTraining

/// The mean loss and the norm of its gradient, in all and layer by layer, at the weights of the
/// checkpoint and at those that the run's seed begins with.
///
/// Batch norm has the statistics of the rows at the initial weights too, since the ones that it
/// begins with, 0 and 1, are nobody's.
package struct LayerGradients: AnalysisSection {
  package static let key = "gradient"
  package let title = "Gradient"

  /// The loss and the gradient's norm at some weights.
  package struct Point: Sendable {
    package let loss: Double
    package let norm: Double
  }

  /// A layer with parameters of its own.
  package struct Layer: Sendable {
    package let name: String
    package let parameters: Int
    package let weightNorm: Double
    package let initial: Double
    package let now: Double
  }

  package let initial: Point
  package let now: Point
  package let layers: [Layer]

  package static func make(_ analysis: Analysis) throws -> LayerGradients? {
    let surface = analysis.surface
    let (loss, gradient) = try surface.atInitialWeights { try surface.gradient() }
    var layers: [Layer] = []
    for name in surface.layerNames {
      func norm(_ vector: Tensor) throws -> Double {
        try surface.learning.filter { layerName($0.parameter) == name }.reduce(0) {
          let part = try surface.part(of: vector, $1.parameter, $1.offset).norm
          return $0 + part * part
        }.squareRoot()
      }
      layers.append(
        Layer(
          name: name,
          parameters: surface.learning.filter { layerName($0.parameter) == name }
            .reduce(0) { $0 + $1.parameter.shape.count },
          weightNorm: try norm(analysis.weights), initial: try norm(gradient),
          now: try norm(analysis.gradient)))
    }
    return LayerGradients(
      initial: Point(loss: loss, norm: try gradient.norm),
      now: Point(loss: analysis.loss, norm: try analysis.gradient.norm), layers: layers)
  }

  package func text(columns: Int?) -> String {
    let points = [
      ["", "at step 0", "at the checkpoint"],
      ["mean loss", Format.significant(initial.loss, 9), Format.significant(now.loss, 9)],
      [
        "gradient's norm", Format.significant(initial.norm, 6), Format.significant(now.norm, 6),
      ],
    ]
    let rows = layers.map {
      [
        $0.name, Format.grouped($0.parameters), Format.significant($0.weightNorm, 4),
        Format.significant($0.initial, 4), Format.significant($0.now, 4),
      ]
    }
    return Format.table(points, rightAligned: [1, 2], columns: columns) + "\n\n"
      + Format.table(
        [["layer", "parameters", "|weights|", "|gradient| at 0", "now"]] + rows,
        rightAligned: [1, 2, 3, 4], columns: columns)
  }

  package var json: JSON {
    func point(_ point: Point) -> JSON {
      ["loss": .number(point.loss), "gradient_norm": .number(point.norm)]
    }
    return [
      "initial": point(initial), "checkpoint": point(now),
      "layers": .array(
        layers.map {
          [
            "layer": .string($0.name), "parameters": .integer($0.parameters),
            "weight_norm": .number($0.weightNorm), "gradient_norm_initial": .number($0.initial),
            "gradient_norm": .number($0.now),
          ]
        }),
    ]
  }
}

/// The property path of the layer that a parameter belongs to.
private func layerName(_ parameter: Parameter) -> String {
  let parts = parameter.name.split(separator: ".")
  return parts.count > 1 ? parts.dropLast().joined(separator: ".") : parameter.name
}

extension LossSurface {
  /// The layers that have parameters, in the parameters' order.
  fileprivate var layerNames: [String] {
    learning.map { layerName($0.parameter) }.reduce(into: []) { names, name in
      if names.last != name, !names.contains(name) { names.append(name) }
    }
  }

  /// Runs `body` at the weights that the run's seed begins with; everything is as it was behind.
  func atInitialWeights<R>(_ body: () throws -> R) throws -> R {
    let (before, buffers) = (try weights, Array(arena.bufferBytes))
    defer {
      move(to: before)
      arena.bufferBytes.copyBytes(from: buffers)
    }
    arena.initialize(seed: network.configuration.seed)
    try context.communicator.agreed("gather the statistics of batch norm") {
      try gatherStatistics()
    }
    return try body()
  }

  /// Sets the running statistics of batch norm to the mean over the batches, as
  /// `torch.optim.swa_utils.update_bn`; every rank goes through all of them by itself.
  private func gatherStatistics() throws {
    let norms = arena.modules.compactMap { $0 as? BatchNorm }
    guard !norms.isEmpty else { return }
    let isSynchronized = context.synchronizesBatchNorm
    context.isTraining = true
    context.synchronizesBatchNorm = false
    for norm in norms { norm.accumulatesStatistics = true }
    defer {
      context.isTraining = false
      context.synchronizesBatchNorm = isSynchronized
      for norm in norms { norm.accumulatesStatistics = false }
    }
    try context.withoutRecording {
      for index in deal.batches.indices { _ = try task.lossSum(held(index), phase: 0) }
    }
  }
}
