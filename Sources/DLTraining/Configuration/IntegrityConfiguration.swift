import DLConfiguration

/// The checks against silent changes of memory.
package struct IntegrityConfiguration: ConfigurationSection {
  /// True if each update checks the parameters and the optimizer state that it reads.
  package var checkUpdates = true
  /// Steps between comparisons of the copies of parameters and buffers; nil for none at all.
  package var compareEverySteps: Int? = 100

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "check_updates", \.checkUpdates,
        "each update checks the parameters and the optimizer state that it reads"),
      .init(
        "compare_every_steps", \.compareEverySteps, .atLeast(1),
        "steps between comparisons of the ranks' copies; null for none"),
    ]
  }
}
