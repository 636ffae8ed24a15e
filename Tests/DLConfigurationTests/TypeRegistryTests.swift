import DLConfiguration
import DLTestSupport
import Testing

/// Registries of types and the hints for words that none has.
@Suite struct TypeRegistryTests {
  @Test func aNameIsTakenOnce() throws {
    let registry = TypeRegistry<any Sendable.Type>("thing", [Int.self]) {
      ($0 == Int8.self ? "Int" : "\($0)", $0)
    }
    try registry.register(String.self)
    try registry.register(String.self)
    #expect(registry.builtIn.count == 1 && registry.all.count == 2)
    expect(
      "thing Int: Swift.Int has this name already, give Swift.Int8 another", as: RegistryError.self
    ) { try registry.register(Int8.self) }
    #expect(registry.all.count == 2)
  }

  @Test func theNearestWordIsSuggested() {
    #expect(nearestWord(to: "momentun", in: ["lr", "momentum"]) == "momentum")
    #expect(nearestWord(to: "entirely_else", in: ["lr", "momentum"]) == nil)
    #expect(suggestion(for: "lrr", in: ["lr", "momentum"]) == "did you mean lr?")
  }
}
