import DLCore
import DLLayers
import DLTensor
import DLTraining

/// The mean loss along a line through the weights: in a random direction normalized by filters, or
/// to the weights of another run.
///
/// Goodfellow et al. 2015, "Qualitatively Characterizing Neural Network Optimization Problems", for
/// lines between weights.
package struct LossLine: AnalysisSection {
  package static let key = "line"
  package var title: String { "Loss along a line" }

  /// The end of the line.
  package let target: String
  /// The places on it, from 0 at the weights.
  package let places: [Double]
  package let losses: [Double]
  /// The height of the line above the straight one between its ends; nil for a random direction.
  package let barrier: Double?

  package static func make(_ analysis: Analysis) throws -> LossLine? {
    let count = analysis.options.line
    guard count > 1 else { return nil }
    guard let run = analysis.options.target else {
      let surface = analysis.surface
      let direction = try surface.filterDirection("line", at: analysis.weights)
      let places = spread(count, from: -analysis.options.span, to: analysis.options.span)
      let losses = try places.map { try analysis.loss(at: $0, along: direction) }
      return LossLine(
        target: "a random direction, as long as each filter", places: places, losses: losses,
        barrier: nil)
    }
    return try toward(run, analysis, spread(count, from: 0, to: 1))
  }

  private static func toward(_ run: LoadedRun, _ analysis: Analysis, _ places: [Double]) throws
    -> LossLine
  {
    let surface = analysis.surface
    let other = try surface.context.communicator.agreed("open \(run.folder)") {
      let other = try LoadedNetwork(
        run, precision: .float64, communicator: surface.context.communicator)
      guard zip(other.arena.parameters, surface.arena.parameters).allSatisfy({ $0.isLike($1) }),
        other.arena.parameters.count == surface.arena.parameters.count,
        zip(other.arena.buffers, surface.arena.buffers).allSatisfy({ $0.shape == $1.shape }),
        other.arena.bufferBytes.count == surface.arena.bufferBytes.count
      else {
        throw UsageError(
          "\(run.folder): is another network than the one analyzed; name a run of it")
      }
      return other
    }
    let buffers = Array(surface.arena.bufferBytes)
    defer {
      surface.move(to: analysis.weights)
      surface.arena.bufferBytes.copyBytes(from: buffers)
    }
    let end = try Tensor.empty([surface.count], dtype: .float64, context: surface.context)
    end.pointer.copyMemory(from: other.arena.values, byteCount: end.byteCount)
    let direction = try end - analysis.weights
    let starts = try surface.arena.buffers.map { try $0.value.doubles }
    let losses = try places.map { place in
      surface.move(to: try analysis.weights + direction * place)
      for (start, pair) in zip(starts, zip(surface.arena.buffers, other.arena.buffers))
      where try pair.0.value.dtype.isReal {
        try pair.0.value.assign(
          zip(start, pair.1.value.doubles).map { (1 - place) * $0 + place * $1 })
      }
      return try surface.loss()
    }
    let barrier = zip(places, losses).map { place, loss in
      loss - ((1 - place) * losses[0] + place * losses[losses.count - 1])
    }.max()
    return LossLine(
      target: run.checkpoint, places: places, losses: losses, barrier: barrier)
  }

  /// Evenly spread places, both ends among them.
  static func spread(_ count: Int, from low: Double, to high: Double) -> [Double] {
    (0..<count).map { low + (high - low) * Double($0) / Double(max(count - 1, 1)) }
  }

  package func text(columns: Int?) -> String {
    let shown = stride(from: 0, to: places.count, by: max((places.count - 1) / 10, 1))
    let rows = shown.map {
      [Format.fixed(places[$0], 3), Format.significant(losses[$0], 6)]
    }
    var text =
      Format.wrapped("Mean loss on the way to \(target):", columns, indent: "  ") + "\n\n"
      + Format.table(rows, rightAligned: [0, 1], columns: columns)
    if let barrier {
      text +=
        "\n\n"
        + Format.wrapped(
          "It rises by \(Format.significant(barrier, 4)) at most above the straight line between "
            + "its ends.", columns)
    }
    return text
  }

  package var json: JSON {
    [
      "to": .string(target), "places": .array(places.map { .number($0) }),
      "losses": .array(losses.map { .number($0) }),
      "barrier": barrier.map { .number($0) } ?? .null,
    ]
  }

  /// The points as CSV.
  package var csv: String {
    "place,loss\n" + zip(places, losses).map { "\($0),\($1)\n" }.joined()
  }
}

extension Parameter {
  fileprivate func isLike(_ other: Parameter) -> Bool { name == other.name && shape == other.shape }
}
