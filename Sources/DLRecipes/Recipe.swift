import DLCore

/// A named job: a configuration with defaults for everything, and how to get the data that it
/// needs.
package struct Recipe: Sendable {
  /// The name by which commands take it.
  package let name: String
  /// One line on what it trains.
  package let summary: String
  /// The configuration.
  package let yaml: String
  /// Random rows that stand in for the data where only shapes count; nil for networks whose inputs
  /// are tokens or graphs.
  package let standIn: (inputShape: [Int], classes: Int)?
  /// How to get the data and name it; nil where it comes with the program.
  package let dataHelp: String?
  /// Other settings worth knowing; nil for none.
  package let notes: String?

  /// Declares a recipe.
  package init(
    name: String, summary: String, standIn: (inputShape: [Int], classes: Int)? = nil,
    dataHelp: String? = nil, notes: String? = nil, yaml: String
  ) {
    self.name = name
    self.summary = summary
    self.standIn = standIn
    self.dataHelp = dataHelp
    self.notes = notes
    self.yaml = yaml
  }

  /// All recipes, by name.
  package static let all: [Recipe] = [
    .digits, .lenetMNIST, .resnet20CIFAR10, .gptShakespeare, .lstmShakespeare,
    .transformerDeEn, .dcganMNIST, .gcnCora, .lenet5,
    .linearCOVID, .linearMAECOVID, .cnnPolarity, .lstmPolarity, .gruPolarity,
    .rnnPolarity, .windowParTUT, .bilstmParTUT,
    .framesSpokenDigits, .framesSpokenSpeakers, .bilstmSpokenDigits, .bilstmSpokenSpeakers,
  ]

  /// The list of all recipes, or one as YAML with the way to its data as a comment.
  ///
  /// - Parameter columns: the width to keep to; nil for any.
  /// - Throws: `UsageError` for a name that is none.
  package static func text(_ name: String?, columns: Int? = nil) throws -> String {
    guard let name else {
      return Format.table(all.map { [$0.name, $0.summary] }, columns: columns)
    }
    guard let recipe = named(name) else {
      throw UsageError(
        "\"\(name)\": no such recipe, known: \(all.map(\.name).joined(separator: ", "))")
    }
    let comments = [recipe.dataHelp.map { "Data: " + $0 }, recipe.notes].compactMap { $0 }
    return comments.map { Format.wrapped("# \($0)", columns, indent: "#   ") + "\n" }.joined()
      + recipe.yaml
  }

  /// The recipe of that name.
  package static func named(_ name: String) -> Recipe? { all.first { $0.name == name } }
}
