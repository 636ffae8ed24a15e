/// The attention of a text that a model wrote to its source.
package struct AttentionTable: Sendable {
  /// The pieces of the source.
  package let source: [String]
  /// The pieces of what was written.
  package let target: [String]
  /// For each piece of the target the weights of those of the source.
  package let weights: [[Double]]
}

/// A task whose model can tell what it looks at.
package protocol AttentiveTask: TrainingTask {
  /// A table for each row of a batch, of which only the inputs are there; none where the model has no
  /// attention to tell of.
  func attention(_ batch: Batch) throws -> [AttentionTable]
}
