import DLConfiguration

/// The times that a job may stand still, and a host be silent.
package struct WatchdogConfiguration: ConfigurationSection {
  /// Seconds without progress after which the ranks that did not arrive are named.
  package var warnSeconds = 60.0
  /// Seconds without progress after which the job is ended.
  package var abortSeconds = 600.0
  /// Seconds of silence of a host after which the job is ended.
  package var heartbeatSeconds = 10.0

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "warn_seconds", \.warnSeconds, .within(1...1e9),
        "seconds without progress after which the ranks waited for are named"),
      .init(
        "abort_seconds", \.abortSeconds, .within(1...1e9),
        "seconds without progress after which the job ends"),
      .init(
        "heartbeat_seconds", \.heartbeatSeconds, .within(2...1e9),
        "seconds of silence of a host after which the job ends"),
    ]
  }

  package func problems() -> [ConfigurationProblem] {
    guard abortSeconds < warnSeconds else { return [] }
    return [
      .init(
        "abort_seconds", "warn_seconds", message: "must not be less than warn_seconds")
    ]
  }
}
