/// The spec of an optimizer that goes by the whole gradient at points of its own choice: the trainer
/// takes its steps by a strategy of its name.
package protocol WholeGradientSpec: OptimizerSpec {
  /// True if weight decay is a penalty of the loss; false where there can be none.
  static var takesPenalty: Bool { get }
}

/// A rule that takes its steps with the whole gradient of all parameters at once, which
/// ``ArenaUpdate`` leaves to it.
///
/// Its parameters have no state in the arena.
package struct WholeGradientRule: Optimizer {
  package init() {}

  /// No names.
  package var stateNames: [String] { [] }

  /// ``UpdateGranularity/whole``.
  package var granularity: UpdateGranularity { .whole }
}
