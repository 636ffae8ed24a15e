import DLConfiguration
import DLTestSupport
import Testing

/// Trees from mutated texts: they parse or fail, and come back from their own text.
@Suite struct NodeFuzzTests {
  private static let seed = """
    a: {b: [1, -2.5, .inf, ~, true, "x\\u0041", 'y'], c: &k {d: 0x1f, e: 1e300}}
    f:
      - *k
      - g: |
          text
      - "": {h: [], i: {}}

    """
  private static let fragments = [
    "{", "}", "[", "]", ": ", "- ", "*k", "&k ", "!!str ", "|\n", "\n", "\t", "\"", "'", "#", "~",
    "\u{0}", "é", "\u{FEFF}", "---\n", "\\", "9223372036854775808", "  ",
  ]

  @Test func mutatedTextComesBackOrFails() throws {
    let place = ConfigurationPlace(source: "x.yaml", folder: "/")
    var numbers = Numbers(seed: 11)
    var (parsed, refused) = (0, 0)
    for _ in 0..<2000 {
      var bytes = Array(Self.seed.utf8)
      for _ in 0...numbers.below(3) {
        let at = numbers.below(bytes.count)
        switch numbers.below(3) {
        case 0:
          bytes.insert(
            contentsOf: Self.fragments[numbers.below(Self.fragments.count)].utf8, at: at)
        case 1: bytes[at] = UInt8(numbers.below(256))
        default: bytes.removeSubrange(at..<min(bytes.count, at + numbers.below(9)))
        }
      }
      do throws(ConfigurationError) {
        let node = try ConfigurationNode.parse(
          yaml: String(decoding: bytes, as: UTF8.self), at: place)
        parsed += 1
        let text = node.yaml()
        #expect(try ConfigurationNode.parse(yaml: text, at: place).yaml() == text)
      } catch {
        refused += 1
        #expect(!error.faults.isEmpty && error.lines.allSatisfy { !$0.contains("\n") })
      }
    }
    #expect(parsed > 100 && refused > 100)
  }

  @Test func depthIsBounded() {
    let place = ConfigurationPlace(source: "x.yaml", folder: "/")
    let deep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
    #expect(throws: ConfigurationError.self) {
      try ConfigurationNode.parse(yaml: deep, at: place)
    }
    let long = String(repeating: "#", count: ConfigurationNode.maximumBytes + 1)
    #expect(throws: ConfigurationError.self) {
      try ConfigurationNode.parse(yaml: long, at: place)
    }
  }
}
