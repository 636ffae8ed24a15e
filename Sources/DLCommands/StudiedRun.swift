import ArgumentParser
import DLCore
import DLJobs

/// Throws where a whole number of the command line lies outside its bounds.
func requireBounds(_ numbers: [(name: String, value: Int, bounds: ClosedRange<Int>)]) throws {
  for (name, value, bounds) in numbers where !bounds.contains(value) {
    throw ValidationError(
      bounds.upperBound == .max
        ? "\(name) \(value): give at least \(bounds.lowerBound)"
        : "\(name) \(value): give \(bounds.lowerBound) to \(bounds.upperBound)")
  }
}

extension World {
  /// Prints the report on a run as wide as the terminal is, and where its files are.
  func print(report text: (_ columns: Int) -> String, writtenTo folder: String) {
    let columns = World.columns ?? 80
    print(text(columns))
    print("")
    print(Format.wrapped("written to \(folder)", columns, indent: "  "))
  }
}
