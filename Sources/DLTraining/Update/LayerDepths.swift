import DLLayers

/// The depth of each parameter in a network, for learning rates that fall from the output to the
/// input.
///
/// A layer is what names have in common up to their first numbers, such as `encoder.layers.3` or, in a
/// chain, `3`; names without a number, such as `head.weight`, have their module for it. Normalizations,
/// class tokens, learned positions and `PReLU` belong to the layer before them. Layers count in the
/// order of the model's parameters.
///
/// Counterpart: timm's `param_groups_layer_decay`.
package struct LayerDepths {
  /// The layer of each parameter, counted from 0, by its place in the range.
  package let depths: [Int]
  /// The number of layers.
  let count: Int
  /// The learning rate of a layer over that of the layer behind it.
  let decay: Double

  /// Counts the layers of some parameters of an arena.
  package init(_ arena: ParameterArena, _ parameters: Range<Int>, decay: Double) {
    self.decay = decay
    let modules = Dictionary(arena.modules.map { ($0.path, $0) }) { first, _ in first }
    let names = arena.parameters[parameters].map(\.name)
    let layers = names.map(Self.layer)
    let isJoined = names.map { name in
      let module = modules[ParameterNames.module(of: name)]
      return module is any Normalization || module is ClassToken || module is LearnedPositions
        || module is PReLU
    }
    // Such a part within a layer is the layer's own.
    let own = Set(zip(layers, isJoined).filter { !$0.1 }.map(\.0))
    var places: [String: Int] = [:]
    var count = 0
    depths = layers.map { layer in
      if let place = places[layer] { return place }
      if own.contains(layer) { count += 1 }
      places[layer] = max(count - 1, 0)
      return max(count - 1, 0)
    }
    self.count = max(count, 1)
  }

  /// The factor of a parameter's learning rate: 1 in the last layer.
  package func rateFactor(of place: Int) -> Double {
    (depths[place]..<count - 1).reduce(1) { factor, _ in factor * decay }
  }

  /// The part of a name up to and with its first run of numbers, else its module.
  private static func layer(_ name: String) -> String {
    let parts = name.split(separator: ".")
    guard let first = parts.firstIndex(where: { Int($0) != nil }) else {
      return ParameterNames.module(of: name)
    }
    let end = parts[first...].firstIndex { Int($0) == nil } ?? parts.count
    return parts[..<end].joined(separator: ".")
  }
}

extension ParameterNames {
  /// The path of the module that a parameter is of, `encoder.0` of `encoder.0.weight`.
  static func module(of name: String) -> String {
    name.split(separator: ".").dropLast().joined(separator: ".")
  }
}
