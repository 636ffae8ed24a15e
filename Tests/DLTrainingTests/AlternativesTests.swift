import DLConfiguration
import DLLayers
import DLTestSupport
import DLTraining
import Foundation
import Testing

/// Keys of which one takes another's place: what the command line gives counts, in any order.
@Suite struct AlternativesTests {
  /// A section with alternatives or with options of some words: where it stands in a configuration,
  /// what else of the job goes with it, and values for its keys.
  struct Place: Sendable, CustomTestStringConvertible {
    var path: String
    let section: any ConfigurationSection.Type
    /// Keys beside the section that it needs.
    var job = ""
    /// Keys of the section that a word needs beside others of its group.
    var needs: [String: [String: String]] = [:]
    /// Whether the section stands in a list as the options of a layer.
    var testDescription: String { path.isEmpty ? "top level" : path }
  }

  static let places = [
    Place(path: "", section: Configuration.self),
    Place(path: "data", section: DataConfiguration.self),
    Place(
      path: "optimizer", section: OptimizerConfiguration.self,
      needs: ["nesterov": ["momentum": "0.5"]]),
    Place(
      path: "schedule", section: ScheduleConfiguration.self,
      needs: [
        "step": ["step_size": "3"], "exponential": ["step_size": "3"],
        "multi_step": ["milestones": "[3]"], "cosine_restarts": ["t_0": "4"],
      ]),
    Place(
      path: "average", section: AverageConfiguration.self, needs: ["anneal_epochs": ["lr": "0.01"]]),
    Place(path: "local_sgd", section: LocalSGDConfiguration.self),
    Place(path: "compression", section: CompressionConfiguration.self),
    Place(path: "optimizer.constraints.0", section: ConstraintConfiguration.self),
    Place(path: "model.layers.0.upsample", section: Upsample.Options.self),
  ]

  /// A value for each alternative, besides those that follow from the schema.
  private static let values = [
    "train": "/y.safetensors", "synthetic": "{shape: [4, 4, 1], classes: 2}",
    "milestones": "[3, 5]", "milestone_epochs": "[1.5]", "size": "8", "scale_factor": "2.0",
    "d": "2.0", "nonnegative": "true", "validation": "/v.safetensors", "folds": "{count: 3}",
  ]

  private static let base =
    "data: {train: x.safetensors}\nmodel: {layers: [{upsample: {size: 4}}, flatten, {linear: {out: 2}}]}\n"

  /// The words that each option of a section belongs to.
  private func owners(_ place: Place) -> [String: [String]] {
    (place.section as? any NamedChoiceSection.Type)?.optionOwners ?? [:]
  }

  private func load(_ place: Place, _ keys: [String: String], _ overrides: [String] = []) throws
    -> Configuration
  {
    let text =
      "{"
      + keys.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
      .joined(separator: ", ") + "}"
    let yaml: String
    switch place.path {
    case "": yaml = Self.base + keys.map { "\($0.key): \($0.value)\n" }.joined()
    case "data": yaml = Self.base.replacing("{train: x.safetensors}", with: text)
    case "optimizer.constraints.0":
      yaml = Self.base + "optimizer: {constraints: [{match: '*', \(text.dropFirst())]}\n"
    case "model.layers.0.upsample": yaml = Self.base.replacing("{size: 4}", with: text)
    default: yaml = Self.base + "\(place.path): \(text)\n"
    }
    return try Configuration.load(yaml: yaml, folder: "/", overrides: overrides)
  }

  /// A value that a key of a section may have and that is not its default.
  private func value(_ place: Place, _ key: String) -> String {
    if let value = Self.values[key] { return value }
    func properties<Section: ConfigurationSection>(_: Section.Type) -> ConfigurationNode? {
      Section.schema(.none)["properties"]?[key]
    }
    guard let schema = properties(place.section) else { return "1" }
    var types = [schema]
    if case .list(let list)? = schema["anyOf"]?.value { types = list }
    for type in types {
      guard case .string(let name)? = type["type"]?.value else { continue }
      switch (name, schema["default"]?.value) {
      case ("boolean", .bool(let value)): return "\(!value)"
      case ("integer", .integer(let value)): return "\(value + 1)"
      case ("integer", _): return "3"
      case ("number", .number(let value)):
        return value == 0 ? "0.5" : "\(value / 2 + (key.hasSuffix("factor") && value > 2 ? 1 : 0))"
      case ("number", _): return "0.5"
      case ("array", _): return "[0.5, 0.625]"
      case ("string", let chosen):
        guard case .list(let words)? = type["enum"]?.value else { continue }
        let others = words.filter { word in
          guard case .string(let a) = word.value, case .string(let b)? = chosen else { return true }
          return a != b
        }
        if case .string(let word)? = others.first?.value { return word }
      default: continue
      }
    }
    return "1"
  }

  private func path(_ place: Place, _ key: String) -> String {
    place.path.isEmpty ? key : "\(place.path).\(key)"
  }

  /// All pairs of all groups: the one from the command line counts, whatever null comes before or
  /// behind it; null alone takes away what it names and nothing else; two from one side are a fault.
  @Test(arguments: places)
  func oneFromTheCommandLineReplacesTheOthers(_ place: Place) throws {
    for group in place.section.alternatives {
      for (old, new) in group.flatMap({ a in group.filter { $0 != a }.map { (a, $0) } }) {
        let (mine, theirs) = (value(place, old), value(place, new))
        // The word that both belong to, where they belong to some alone.
        // Rows to validate on are none without rows to train on.
        let others = group.contains("folds") ? ["train": "/x.safetensors"] : [:]
        let name = owners(place)[old]?.first.map { ["name": $0] } ?? others
        func load(_ place: Place, _ keys: [String: String], _ overrides: [String] = []) throws
          -> Configuration
        { try self.load(place, keys.merging(name) { $1 }, overrides) }
        let wanted = try load(place, [new: theirs])
        let (set, null) = ("\(path(place, new))=\(theirs)", "\(path(place, old))=null")
        for overrides in [[set], [set, null], [null, set], [set, set], [null, null, set]] {
          #expect(try load(place, [old: mine], overrides) == wanted, "\(old): \(overrides)")
        }
        let kept = try load(place, [old: mine])
        let nothing = "\(path(place, new))=null"
        #expect(try load(place, [old: mine], [nothing]) == kept, "\(nothing)")
        // Both from the command line, in either order, and both from the file.
        let both = ["\(path(place, old))=\(mine)", set]
        for overrides in [both, both.reversed()] {
          #expect(throws: ConfigurationError.self) { try load(place, [:], overrides) }
          #expect(throws: ConfigurationError.self) { try load(place, [old: mine], overrides) }
        }
        #expect(throws: ConfigurationError.self) { try load(place, [old: mine, new: theirs]) }
      }
    }
  }

  /// All pairs of words of `name`, with every option of the first in the file: a name from the command
  /// line leaves the options that both have, and no other.
  @Test(arguments: places)
  func anotherNameLeavesTheOthersOptions(_ place: Place) throws {
    let owners = self.owners(place)
    let words = names(place.section)
    for (key, names) in owners {
      for old in names {
        var keys = companions(place, old, key).merging(companions(place, key, key)) { $1 }
        keys[key] = value(place, key)
        keys["name"] = old
        #expect(throws: Never.self) { try load(place, keys) }
        for new in words where new != old {
          let extra = companions(place, new, key)
          var wanted = extra.filter { owners[$0.key]?.contains(new) ?? true }
          for (key, value) in keys where owners[key]?.contains(new) ?? true { wanted[key] = value }
          wanted["name"] = new
          let overrides =
            (extra.map { "\(path(place, $0.key))=\($0.value)" }
            + ["\(path(place, "name"))=\(new)"]).sorted()
          for overrides in [overrides, overrides.reversed()] {
            #expect(
              try load(place, keys, overrides) == load(place, wanted),
              "\(keys) \(overrides) \(wanted)")
          }
        }
        // Given beside the name, an option that the name has not stays a fault.
        for new in words where new != old && !names.contains(new) {
          #expect(throws: ConfigurationError.self) {
            try load(
              place, ["name": old],
              ["\(path(place, key))=\(value(place, key))", "\(path(place, "name"))=\(new)"])
          }
        }
      }
    }
  }

  /// The words of a section's `name`.
  private func names<Section: ConfigurationSection>(_: Section.Type) -> [String] {
    guard case .list(let words)? = Section.schema(.none)["properties"]?["name"]?["enum"]?.value
    else { return [] }
    return words.compactMap { if case .string(let word) = $0.value { word } else { nil } }
  }

  /// What a word or a key needs, but for what a key of the same group gives already.
  private func companions(_ place: Place, _ name: String, _ key: String) -> [String: String] {
    (place.needs[name] ?? [:]).filter { need in
      need.key != key
        && !place.section.alternatives.contains { $0.contains(need.key) && $0.contains(key) }
    }
  }

  /// A run's own configuration names every option: those of another rule are no values of the next.
  @Test func theDefaultsOfOneRuleAreNotThoseOfAnother() throws {
    let place = Self.places[2]
    let written = try load(place, ["name": "sgd"]).yaml()
    let lion = try Configuration.load(yaml: written, overrides: ["optimizer.name=lion"])
    #expect(lion.optimizer["betas"] == [0.9, 0.99])
    let same = try Configuration.load(yaml: written, overrides: ["optimizer.name=sgd"])
    #expect(try same == load(place, ["name": "sgd"]))
  }

  /// A group's rule has the section's options too.
  @Test func optionsOfAGroupsRuleStay() throws {
    let keys = [
      "name": "muon", "betas": "[0.8, 0.9]", "groups": "[{match: bias, name: adamw, lr: 0.1}]",
    ]
    let job = try load(Self.places[2], keys, ["optimizer.name=sgd"])
    #expect(job.optimizer["betas"] == [0.8, 0.9] && job.optimizer.name.rawValue == "sgd")
  }

  /// Null takes a value away, so that the default holds; where null is a value, it is one.
  @Test func nullTakesAway() throws {
    let file = ["name": "adamw", "betas": "[0.5, 0.5]", "lr": "3.0", "clip_norm": "1.0"]
    let overrides = ["betas", "lr", "clip_norm", "lookahead.k"].map { "optimizer.\($0)=null" }
    #expect(
      try load(Self.places[2], file, overrides + ["integrity.compare_every_steps=null"])
        == load(
          Self.places[0],
          [
            "optimizer": "{name: adamw}", "integrity": "{compare_every_steps: null}",
          ]))
    #expect(throws: ConfigurationError.self) { try load(Self.places[2], file, ["data.train=null"]) }
    #expect(throws: ConfigurationError.self) {
      try load(Self.places[2], file, ["optimizer.x=null"])
    }
  }

  @Test func aRunTrainsAsManyStepsAsAreAsked() throws {
    for overrides in [["steps=1", "epochs=null"], ["epochs=null", "steps=1"]] {
      let job = try load(Self.places[0], ["epochs": "3"], overrides)
      #expect(job.steps == 1 && job.epochs == nil)
    }
    // Nothing is left of a section that is named by null alone.
    let job = try load(Self.places[1], ["train": "x"], ["data.synthetic.rows=null"])
    #expect(job.data.train == "/x" && job.data.synthetic == nil)
    let other = try load(
      Self.places[1], ["train": "x"],
      [
        "data.synthetic.shape=[3]", "data.synthetic.classes=2",
      ])
    #expect(other.data.train == nil && other.data.synthetic?.classes == 2)
  }

  /// Every section that declares alternatives, or whose name chooses options, is among those tested.
  @Test func everyUnionIsTested() throws {
    let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Sources")
    var found = 0
    for case let file as URL in FileManager.default.enumerator(
      at: sources, includingPropertiesForKeys: nil) ?? .init()
    where file.pathExtension == "swift" && !file.path.contains("DLConfiguration") {
      let text = try String(contentsOf: file, encoding: .utf8)
      func count(_ declaration: String) -> Int {
        text.components(separatedBy: declaration).count - 1
      }
      found += count(": NamedChoiceSection {")
      // Those of schedules are among the alternatives of their section.
      guard !file.path.contains("DLOptimizers") else { continue }
      found += count("static var alternatives: [[String]] {")
    }
    let tested = Self.places.reduce(0) { count, place in
      let isChoice = place.section is any NamedChoiceSection.Type
      return count + (isChoice || !place.section.alternatives.isEmpty ? 1 : 0)
    }
    #expect(found == tested)
  }
}
