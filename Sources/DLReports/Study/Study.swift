import DLConfiguration
import DLCore
import DLTraining

/// A study with all of its runs, none of them trained yet.
package struct Study: Sendable {
  /// One run: a variant with its seed and fold.
  package struct Run: Sendable {
    /// The place among all runs.
    let index: Int
    /// The place of its variant.
    let variant: Int
    /// The settings that set it apart, on one line.
    package let name: String
    let seed: UInt64?
    /// The fold that it is validated on, counted from 0.
    let fold: Int?
    /// The job with everything that the run replaces in it.
    package let configuration: Configuration
    /// Known by the canonical text of the configuration.
    let fingerprint: String

    /// The folder below that of the study, another one for another configuration.
    var folder: String {
      let plain = name.unicodeScalars.prefix(80).map { scalar -> Character in
        let isPlain = scalar.isASCII && (Character(scalar).isLetter || Character(scalar).isNumber)
        return isPlain || "-_.=,".unicodeScalars.contains(scalar) ? Character(scalar) : "_"
      }
      return "runs/" + String(plain) + "-" + fingerprint.prefix(8)
    }
  }

  /// A variant: what the table has a row for.
  struct Variant: Sendable {
    /// The cells that name it, one for each of ``Study/headings``.
    let cells: [String]
    /// The values of the grid, one for each axis.
    let values: [String]
    /// The name under `runs`; nil without such a list.
    let name: String?

    /// In one line, as in the picture.
    let title: String
  }

  let name: String
  let configuration: StudyConfiguration
  let variants: [Variant]
  /// The runs in the order of the file.
  package let runs: [Run]
  /// The headings of the cells of variants.
  let headings: [String]

  /// Lists the runs of a study and loads the configuration of each.
  ///
  /// - Parameters:
  ///   - source: what messages name the file.
  ///   - folder: where relative paths of the file start.
  ///   - load: loads the job with replacements.
  /// - Throws: `ConfigurationError`, `UsageError` with the run whose configuration is at fault.
  package init(
    yaml: String, source: String, folder: String,
    load: (_ job: String?, Configuration.Replacements) throws -> Configuration
  ) throws {
    let place = ConfigurationPlace(source: source, folder: absolutePath(folder))
    var faults = ConfigurationFaults()
    var root = try ConfigurationNode.parse(yaml: yaml, at: place)
    if case .null = root.value { root.value = .mapping([]) }
    let read = StudyConfiguration.read(root, at: "", rule: .none, faults: &faults)
    try faults.check()
    guard let configuration = read else { throw UsageError("\(source): cannot be read") }
    self.configuration = configuration
    let combinations = configuration.combinations
    let axes = StudyConfiguration.shortNames(configuration.grid.axes.map(\.key))
    headings = (configuration.runs.isEmpty ? [] : ["run"]) + axes
    let isSingle = combinations.count == 1 && headings.isEmpty
    variants = combinations.map { run, values in
      let named = run.map { [$0.name] } ?? []
      let pairs = zip(axes, values).map { "\($0)=\(StudyConfiguration.plain($1))" }
      return Variant(
        cells: named + values.map(StudyConfiguration.plain), values: values, name: run?.name,
        title: isSingle ? configuration.job ?? "run" : (named + pairs).joined(separator: " "))
    }
    var runs: [Run] = []
    let seeds: [UInt64?] = configuration.seeds.isEmpty ? [nil] : configuration.seeds
    let folds: [Int?] = configuration.folds.map { Array(0..<$0) } ?? [nil]
    for (variant, combination) in combinations.enumerated() {
      for seed in seeds {
        for fold in folds {
          let title = variants[variant].title
          let name = ([title] + configuration.suffix(seed, fold)).joined(separator: " ")
          let replacements = Configuration.Replacements(
            configuration.overrides(combination, seed: seed, fold: fold), folder: place.folder)
          let job = try Self.naming(name, in: source) { try load(configuration.job, replacements) }
          runs.append(
            Run(
              index: runs.count, variant: variant, name: name, seed: seed, fold: fold,
              configuration: job, fingerprint: job.fingerprint))
        }
      }
    }
    try Self.requireDifferent(runs, source)
    self.runs = runs
    name = configuration.name ?? "\(configuration.job.map(File.name(of:)) ?? "study")"
  }

  /// The columns of the table: those asked for, or the accuracy and the losses.
  func columns(of records: [StudyRecord]) -> [String] {
    guard configuration.table.isEmpty else { return configuration.table }
    let found = Set(records.flatMap { $0.figures.map(\.name) })
    return ["validation.accuracy", "validation.loss", "train.loss", "seconds"]
      .filter { $0 == "train.loss" || $0 == "seconds" || found.contains($0) }
  }

  /// Refuses runs that would be the same: an override has replaced what tells them apart.
  private static func requireDifferent(_ runs: [Run], _ source: String) throws {
    var seen: [String: String] = [:]
    for run in runs {
      guard let other = seen.updateValue(run.name, forKey: run.fingerprint) else { continue }
      throw StudyError(
        description:
          "\(source): the runs \(other) and \(run.name) have the same configuration; leave "
          + "one out, or the \(OptionName.set) that makes them so", exitCode: .usage)
    }
  }

  /// Has faults of a run's configuration say which run it is.
  private static func naming<R>(_ run: String, in source: String, _ body: () throws -> R) throws
    -> R
  {
    do {
      return try body()
    } catch let error as ConfigurationError {
      throw StudyError(
        description: error.lines.map { "\(source): \(run): \($0)" }.joined(separator: "\n"),
        exitCode: error.exitCode)
    } catch let error as UsageError {
      throw StudyError(description: "\(source): \(run): \(error)", exitCode: error.exitCode)
    }
  }
}

/// A study that cannot be done as its file says.
struct StudyError: DLError {
  let description: String
  let exitCode: ExitCode
}

extension StudyConfiguration {
  /// Each variant of the list with each combination of the grid, the first axis slowest.
  fileprivate var combinations: [(run: StudyVariant?, values: [String])] {
    let points = grid.axes.reduce([[]]) { points, axis in
      points.flatMap { point in axis.values.map { point + [$0] } }
    }
    let runs: [StudyVariant?] = runs.isEmpty ? [nil] : runs
    return runs.flatMap { run in points.map { (run, $0) } }
  }

  /// The values that a run replaces in the job.
  fileprivate func overrides(
    _ combination: (run: StudyVariant?, values: [String]), seed: UInt64?, fold: Int?
  ) -> [String] {
    let own = combination.run?.set.settings ?? []
    var texts = (set.settings + own).map(\.override)
    texts += zip(grid.axes, combination.values).map { "\($0.key)=\($1)" }
    if let seed { texts.append("seed=\(seed)") }
    if let folds, let fold { texts.append("data.folds={count: \(folds), fold: \(fold)}") }
    return texts
  }

  fileprivate func suffix(_ seed: UInt64?, _ fold: Int?) -> [String] {
    [seed.map { "seed=\($0)" }, fold.map { "fold=\($0)" }].compactMap(\.self)
  }

  /// Keys by their last words, as many as tell them apart.
  fileprivate static func shortNames(_ keys: [String]) -> [String] {
    keys.map { key in
      let parts = key.parts(at: ".").map(String.init)
      let short = (1...parts.count).lazy.map { parts.suffix($0).joined(separator: ".") }
      return short.first { name in
        !keys.contains { $0 != key && ($0 == name || $0.ends(with: "." + name)) }
      } ?? key
    }
  }

  /// A value as a table shows it: a string without its quotes.
  fileprivate static func plain(_ value: String) -> String {
    value.count > 2 && value.begins(with: "\"") && value.ends(with: "\"")
      && !value.contains("\\") ? String(value.dropFirst().dropLast()) : value
  }
}
