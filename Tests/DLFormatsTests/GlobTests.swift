import DLCore
import DLFormats
import DLTestSupport
import Testing

/// Patterns beside Python's fnmatch (scripts/golden/make_globs.py).
@Suite struct GlobTests {
  @Test func namesMatchAsPythonMatchesThem() throws {
    let cases = try goldenJSON("globs.json").list()
    var matches = 0
    for item in cases {
      let fields = try item.list()
      let (pattern, name) = (try fields[0].text(), try fields[1].text())
      let captures = Glob(pattern).captures(name)
      #expect(Glob(pattern).matches(name) == (captures != nil))
      if fields[2] == .null {
        #expect(captures == nil, "\(pattern) \(name)")
      } else {
        matches += 1
        #expect(try captures == fields[2].strings(), "\(pattern) \(name)")
      }
    }
    #expect(cases.count == 600 && matches == 300)
  }

  /// A character may be several bytes.
  @Test(arguments: [
    ("B?ume.csv", "Bäume.csv", true), ("[äö]l", "öl", true), ("[!a-z]l", "öl", true),
    ("??", "ö", false), ("*ä*", "Bäume", true),
  ])
  func charactersAreMatchedWhole(_ pattern: String, _ name: String, _ isMatch: Bool) {
    #expect(Glob(pattern).matches(name) == isMatch)
  }

  /// A pattern that a recursive matcher needs exponential time for.
  @Test func manyStarsTakeLittleTime() {
    let name = String(repeating: "a", count: 2000)
    #expect(!Glob(String(repeating: "a*", count: 200) + "b").matches(name))
  }
}
