import DLConfiguration
import DLCore
import DLTraining

/// A named study: many runs of one job in one file.
package struct StudyRecipe: Sendable {
  /// The name by which `dltrain study` takes it.
  package let name: String
  /// One line on what it compares.
  package let summary: String
  /// The file.
  package let yaml: String

  /// All studies, by name.
  package static let all: [StudyRecipe] = [
    .crossEntropyOrSquares, .curveUnits, .activations, .deepOrWide, .dummyClass, .remedies,
    .crossValidation, .fiftyLayers, .batchSizes, .optimizers, .schedules, .normalizations,
    .smallBatches, .attentionOrConvolution, .hybridDilation, .transfer, .pretrainedVectors,
  ]

  /// The study of that name.
  package static func named(_ name: String) -> StudyRecipe? { all.first { $0.name == name } }

  /// The list of all studies, or one as YAML.
  ///
  /// - Parameter columns: the width to keep to; nil for any.
  /// - Throws: `UsageError` for a name that is none.
  package static func text(_ name: String?, _ columns: Int? = nil) throws -> String {
    guard let name else {
      return Format.table(all.map { [$0.name, $0.summary] }, columns: columns)
    }
    guard let study = named(name) else {
      throw UsageError(
        "\"\(name)\": no such study, known: \(all.map(\.name).joined(separator: ", "))")
    }
    return study.yaml
  }
}

/// The study that a command names: a file, or one that is built in.
package struct StudySource: Sendable {
  /// The name as given.
  package let name: String
  /// The text.
  package let yaml: String
  /// The folder where relative paths in it start.
  package let folder: String

  /// Takes the name of a study or the path of a file; names of studies go first.
  ///
  /// - Throws: `UsageError` where it is neither; `ConfigurationError` for what is no text.
  package init(_ name: String) throws {
    self.name = name
    if let study = StudyRecipe.named(name) {
      (yaml, folder) = (study.yaml, "")
      return
    }
    guard !name.isEmpty, File.exists(name) else {
      let known = StudyRecipe.all.map(\.name).joined(separator: ", ")
      throw UsageError("\"\(name)\": no file and no study of that name; studies: \(known)")
    }
    yaml = try configurationText(name)
    folder = name.contains("/") ? name.parts(at: "/").dropLast().joined(separator: "/") + "/" : ""
  }

  /// A job as the file names it: a recipe, or a path that starts from the file's folder.
  package func job(_ name: String?) -> String? {
    guard let name, Recipe.named(name) == nil, !name.isEmpty else { return name }
    return folder.isEmpty || name.begins(with: "/") ? name : joinedPath(folder, name)
  }
}
