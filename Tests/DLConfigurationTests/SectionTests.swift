import DLConfiguration
import DLTestSupport
import Testing

/// A section as a program declares one.
struct Oven: ConfigurationSection {
  enum Mode: String, ConfigurationWord {
    case top
    case bottom
  }

  var degrees = 180.0
  var minutes: Int?
  var hours: Int?
  var mode = Mode.top
  var trays: [Int] = []
  var dish = ""

  static var fields: [ConfigurationField<Self>] {
    [
      .init("dish", \.dish, required: true, "what is baked"),
      .init("degrees", \.degrees, .within(50...300), "heat in degrees Celsius"),
      .init("minutes", \.minutes, .atLeast(1), "time"),
      .init("hours", \.hours, .atLeast(1), "time"),
      .init("mode", \.mode, "where heat comes from"),
      .init("trays", \.trays, .atLeast(0), "places of trays"),
    ]
  }

  static var alternatives: [[String]] { [["minutes", "hours"]] }
  static var unwrittenDefaults: Set<String> { ["trays"] }

  func problems() -> [ConfigurationProblem] {
    minutes == nil || hours == nil
      ? [] : [.init("hours", "minutes", message: "minutes or hours, not both")]
  }
}

/// Reads a text as a section, with overrides.
func oven(_ yaml: String, _ overrides: [String] = []) throws(ConfigurationError) -> Oven {
  var faults = ConfigurationFaults()
  var node = try ConfigurationNode.parse(
    yaml: yaml, at: ConfigurationPlace(source: "oven.yaml", folder: "/"))
  for text in overrides { node.apply(override: text, folder: "/", faults: &faults) }
  let result = Oven.read(node, at: "", rule: .none, faults: &faults)
  try faults.check()
  guard let result else { throw ConfigurationError([]) }
  return result
}

/// Sections read, write and override by their one table of fields.
@Suite struct SectionTests {
  private func faults(_ yaml: String, _ overrides: [String] = []) -> [String] {
    do throws(ConfigurationError) {
      _ = try oven(yaml, overrides)
      return []
    } catch {
      return error.lines
    }
  }

  @Test func readsWhatIsGivenAndDefaultsTheRest() throws {
    let read = try oven("{dish: pie, mode: bottom, trays: [0, 2], minutes: 40}")
    #expect(read.dish == "pie" && read.mode == .bottom && read.trays == [0, 2])
    #expect(read.minutes == 40 && read.degrees == 180 && read.hours == nil)
  }

  @Test func canonicalTextComesBack() throws {
    let read = try oven("mode: bottom\ndegrees: 2e2\ndish: 'true'")
    #expect(
      read.node.yaml()
        == "dish: \"true\"\ndegrees: 200.0\nminutes: null\nhours: null\nmode: bottom\n")
    #expect(try oven(read.node.yaml()) == read)
    let full = try oven("{dish: x, trays: [1], hours: 2}")
    #expect(full.node.yaml().contains("trays: [1]"))
    #expect(try oven(full.node.yaml()) == full)
  }

  @Test func allFaultsHaveTheirPlaces() {
    #expect(
      faults("degrees: 20\nmods: top\nmode: topp\ntrays: [0, -1]\n") == [
        "oven.yaml:1:10: degrees: expected a finite number of at least 50 and at most 300, found 20",
        "oven.yaml:2:1: mods: unknown key, did you mean mode?",
        "oven.yaml:3:7: mode: unknown word \"topp\", did you mean top?",
        "oven.yaml:4:12: trays.1: expected an integer of at least 0 and at most 2147483647, found -1",
        "oven.yaml:1:1: dish: missing: what is baked",
      ])
    #expect(
      faults("{dish: x, minutes: 1, hours: 1}") == [
        "oven.yaml:1:30: hours: minutes or hours, not both"
      ])
  }

  @Test func overridesDisplaceAlternatives() throws {
    let read = try oven("{dish: x, minutes: 5}", ["hours=2", "degrees=100"])
    #expect(read.hours == 2 && read.minutes == nil && read.degrees == 100)
    #expect(try oven("{dish: x, degrees: 100}", ["degrees=null"]).degrees == 180)
    #expect(faults("{dish: x}", ["hours=2", "minutes=3"]).count == 1)
    #expect(
      faults("{dish: x}", ["=3"]) == ["set =3: expected KEY=VALUE, as in set optimizer.lr=0.1"]
    )
  }

  @Test func theSchemaSaysWhatTheTableSays() throws {
    let schema = Oven.schema(.none)
    let properties = try #require(schema["properties"])
    for field in nonEmpty(Oven.fields) { #expect(properties[field.key] != nil, "\(field.key)") }
    #expect(schema["required"]?.yaml() == ["dish"].node.yaml())
    #expect(properties["degrees"]?["default"]?.yaml() == 180.0.node.yaml())
  }
}
