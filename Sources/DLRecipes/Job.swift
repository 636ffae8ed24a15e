import DLCore
import DLFormats
import DLJobs
import DLTraining

/// The job that a command names: a configuration file or a recipe.
package struct Job: Sendable {
  /// The name as given.
  package let name: String
  /// The recipe; nil for a file, or for the configuration that a program brings.
  package let recipe: Recipe?
  private let program: Program
  /// True if it is the configuration that the program brings.
  private let isDefault: Bool

  /// Takes the name of a recipe or the path of a configuration file; names of recipes go first.
  ///
  /// - Parameters:
  ///   - name: nil for what the program trains unless told otherwise.
  ///   - program: what provides the model where the configuration does not name it.
  /// - Throws: `UsageError` where it is neither.
  package init(_ name: String?, of program: Program = .dltrain) throws {
    self.program = program
    guard let name = name ?? (program.defaults == nil ? "digits" : nil) else {
      self.name = "defaults"
      recipe = nil
      isDefault = true
      return
    }
    self.name = name
    isDefault = false
    recipe = Recipe.named(name)
    guard recipe == nil, name.isEmpty || !File.exists(name) else { return }
    throw UsageError("\"\(name)\": no configuration file and no recipe, \(Recipe.advice(name))")
  }

  /// Takes what a command may inspect; nil where it is neither a recipe nor a run folder nor a file of
  /// YAML by its name.
  ///
  /// - Throws: `UsageError` where the name is that of a YAML file which is not there.
  package init?(inspecting name: String, of program: Program = .dltrain) throws {
    let configuration = withoutTrailingSlash(name) + "/config.yaml"
    if Recipe.named(name) == nil, File.isFolder(name), File.exists(configuration) {
      try self.init(configuration, of: program)
      return
    }
    guard Recipe.named(name) != nil || [".yaml", ".yml"].contains(where: { name.ends(with: $0) })
    else {
      return nil
    }
    try self.init(name, of: program)
  }

  /// Reads the configuration.
  ///
  /// - Parameters:
  ///   - overrides: `KEY.PATH=VALUE` each.
  ///   - replacements: what another file replaces, before the overrides do.
  ///   - needsData: whether data that must be fetched first has to be named.
  /// - Throws: `ConfigurationError` with all faults; `UsageError` saying how to get a recipe's
  ///   data.
  package func configuration(
    _ overrides: [String], replacements: Configuration.Replacements = .init(),
    needsData: Bool = true
  ) throws -> Configuration {
    guard let recipe else {
      let supplied = program.suppliedKeys
      guard isDefault, let yaml = program.defaults else {
        return try Configuration.load(
          path: name, replacements: replacements, overrides: overrides, supplied: supplied)
      }
      return try Configuration.load(
        yaml: yaml, source: name, replacements: replacements, overrides: overrides,
        supplied: supplied)
    }
    let lacksData =
      recipe.dataHelp != nil
      && !Configuration.namesData(yaml: recipe.yaml, overrides: replacements.texts + overrides)
    guard lacksData else {
      return try Configuration.load(
        yaml: recipe.yaml, source: name, replacements: replacements, overrides: overrides)
    }
    // A fault of the overrides is told before the lack of data.
    let (shape, classes) = recipe.standIn ?? ([1], 1)
    let rows = "data.synthetic={shape: \(shape), classes: \(classes)}"
    let configuration = try Configuration.load(
      yaml: recipe.yaml, source: name, replacements: replacements, overrides: overrides + [rows])
    if needsData || recipe.standIn == nil, let help = recipe.dataHelp {
      throw UsageError("\(name): no data.train; \(help)")
    }
    return configuration
  }
}
