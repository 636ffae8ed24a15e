import DLCore
import DLLayers
import DLTensor
import DLTraining

extension ModelReport {
  /// The layers in the order in which a row goes through them.
  ///
  /// Each has the shape of what it puts out, without the batch, its parameters, the products that it
  /// adds up for a row, and how many pixels of the input one of its outputs depends on. The parts of
  /// a layer with branches stand below it, farther to the right.
  ///
  /// - Parameter columns: the width to keep to; nil for any.
  /// - Throws: `TensorError` where a layer does not take its input.
  package func layers(columns: Int? = nil) throws -> String {
    let trace = try LayerTrace.of(context) {
      try context.withoutRecording { try setup.evaluateOneRow(context) }
    }
    let input = Shape(setup.data.train.inputShape)
    let isImage = input.rank == 3
    var rows = [["layer", "type", "output", "parameters", "multiply-adds", "field"]]
    rows.append(["", "input", "\(input)", "", "", isImage ? "1" : ""])
    var tree = LayerTree(trace)
    var seen: Set<ObjectIdentifier> = []
    var products = 0
    func add(_ step: LayerTrace.Step, _ parameters: [Parameter], _ multiplyAdds: Int) {
      rows.append([
        tree.name(of: step), tree.isIdentity(step) ? "identity" : "\(type(of: step.layer))",
        "\(step.output.shape.dropFirst())",
        parameters.isEmpty ? "" : Format.grouped(parameterCount(of: parameters)),
        multiplyAdds == 0 ? "" : Format.grouped(multiplyAdds), isImage ? step.field.text : "",
      ])
    }
    for step in trace.steps {
      for header in tree.headers(before: step) { add(header, [], 0) }
      // The weights of a layer's setup, and those that are used again, count where they came first.
      let parameters = parameters(of: step.layer).filter {
        seen.insert(ObjectIdentifier($0)).inserted
      }
      guard !step.isContainer || !parameters.isEmpty else { continue }
      let multiplyAdds = step.multiplyAdds
      products = min(products, Int.max - multiplyAdds) + multiplyAdds
      add(step, parameters, multiplyAdds)
    }
    rows.append([
      "", "total", "", Format.grouped(parameterCount(of: setup.arena.parameters)),
      Format.grouped(products),
    ])
    if !isImage { rows = rows.map { Array($0.prefix(5)) } }
    let table = Format.table(rows, rightAligned: [3, 4, 5], columns: columns)
    guard let warning = holes(in: trace) else { return table }
    return table + "\n" + Format.wrapped("warning: " + warning, columns, indent: "  ")
  }

  /// Says where dilated windows leave pixels out that lie between others: of the last layer whose
  /// outputs depend on a part of the input.
  private func holes(in trace: LayerTrace) -> String? {
    // The whole chain has no name to tell.
    let named = trace.steps.filter { !$0.layer.path.isEmpty }
    guard let step = named.last(where: { !$0.field.isWhole }) else { return nil }
    let isImage = setup.data.train.inputShape.count == 3
    let units = isImage ? ["rows", "columns"] : ["positions", "positions"]
    for (axis, unit) in zip([step.field.height, step.field.width], units)
    where axis.hasHoles {
      guard let pixels = axis.pixels?.count, let extent = axis.extent else { continue }
      let dilations = axis.dilations.map(String.init).joined(separator: ", ")
      return
        "the receptive field of layer \(step.layer.path) has holes: an output sees \(pixels) of the "
        + "\(extent) \(unit) that it reaches over; dilations \(dilations) leave the others out, rates such as "
        + "1, 2, 5 without a common factor do not (hybrid dilated convolution, Wang et al. 2018)"
    }
    return nil
  }

  private func parameters(of layer: any Layer) -> [Parameter] {
    setup.arena.parameters.filter {
      layer.path.isEmpty || $0.name.hasPrefix(layer.path + ".")
    }
  }
}

/// The layers with branches of a network, each of which is named before its parts.
private struct LayerTree {
  private let branching: [LayerTrace.Step]
  private var shown: Set<String> = []

  init(_ trace: LayerTrace) {
    branching = trace.steps.filter { $0.layer is any BranchingLayer }
  }

  /// The layers with branches that a step is a part of, the outermost first.
  private func ancestors(_ step: LayerTrace.Step) -> [LayerTrace.Step] {
    var paths: Set<String> = []
    return branching.filter {
      step.layer.path.hasPrefix($0.layer.path + ".") && paths.insert($0.layer.path).inserted
    }.sorted { $0.layer.path.utf8.count < $1.layer.path.utf8.count }
  }

  /// Those of them that have no row yet.
  mutating func headers(before step: LayerTrace.Step) -> [LayerTrace.Step] {
    ancestors(step).filter { shown.insert($0.layer.path).inserted }
  }

  /// The path from the innermost layer with branches on, moved to the right by how many there are.
  func name(of step: LayerTrace.Step) -> String {
    let outer = ancestors(step)
    guard let last = outer.last else { return step.layer.path }
    return String(repeating: "  ", count: outer.count)
      + step.layer.path.dropFirst(last.layer.path.utf8.count + 1)
  }

  /// Returns whether it is an empty branch.
  func isIdentity(_ step: LayerTrace.Step) -> Bool {
    (step.layer as? Sequential)?.layers.isEmpty == true
  }
}
