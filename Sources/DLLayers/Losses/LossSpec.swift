import DLConfiguration

/// A loss that a configuration can name: its properties are its options.
///
/// ``LossRegistry`` lists it.
public protocol LossSpec: Loss, ConfigurationOption {}

extension LossSpec {
  /// No options.
  public static var fields: [ConfigurationField<Self>] { [] }
}
