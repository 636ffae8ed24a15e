import DLCore
import DLFormats
import DLTestSupport
import Foundation
import Testing

@Suite struct JSONTests {
  @Test func keepsOrderAndTypes() throws {
    let json = try JSON(parsing: #" {"b":[1,-2.5e-3,true,null],"a":{"x":"y"}} "#)
    #expect(
      json == [
        "b": .array([1, -0.0025, true, .null]), "a": ["x": "y"],
      ])
    #expect(json.description == #"{"b":[1,-0.0025000000000000001,true,null],"a":{"x":"y"}}"#)
    #expect(json["b"]?.array?[0].int == 1)
    #expect(json["b"]?.array?[0].double == 1)
    #expect(json["b"]?.array?[1].int == nil)
    #expect(json["a"]?["x"]?.string == "y")
    #expect(json["absent"] == nil)
  }

  @Test func doublesReadBackAsTheSameBits() throws {
    var state: UInt64 = 1
    for _ in 0..<10_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let value = Double(bitPattern: state)
      guard value.isFinite else { continue }
      let text = JSON.number(value).description
      #expect(try JSON(parsing: text).double?.bitPattern == value.bitPattern)
    }
    for value in [0.0, -0.0, 1, 1e22, Double.leastNonzeroMagnitude, .greatestFiniteMagnitude] {
      let text = JSON.number(value).description
      #expect(try JSON(parsing: text).double?.bitPattern == value.bitPattern)
    }
    #expect(JSON.number(.nan).description == "null")
  }

  @Test func agreesWithFoundationOnStrings() throws {
    let text = #"["\u00e9\ud83d\ude00\n\"\\\/\b\f\r\t", "é😀", "\u0000"]"#
    let expected = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String]
    let strings = try JSON(parsing: text).array?.compactMap(\.string)
    #expect(strings == expected)
    let written = JSON.array((strings ?? []).map(JSON.string)).description
    #expect(try JSONSerialization.jsonObject(with: Data(written.utf8)) as? [String] == expected)
  }

  @Test(arguments: [
    "", " ", "{", "[", "\"", "[1", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "01", "-",
    "1.", ".5", "1e", "+1", "NaN", "Infinity", "-Infinity", "1e999", "tru", "nul", "truex", "1 2",
    "{\"a\":1,\"a\":2}", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"",
    "\"a\nb\"", "[1}", "'a'", "\"\\u+123\"", "/**/1", "0x10", "\"\\",
  ])
  func refuses(text: String) throws {
    let error = try formatError { _ = try JSON(parsing: text, file: "x.json") }
    #expect(error?.exitCode == .data)
  }

  @Test func boundsDepthAndRefusesBytesThatAreNotText() throws {
    let deep = String(repeating: "[", count: 100_000)
    #expect(try formatError { _ = try JSON(parsing: deep) }?.what.contains("deeper") == true)
    let bad: [UInt8] = [0x22, 0xff, 0x22]
    let error = try bad.withUnsafeBytes { bytes in
      try formatError { _ = try JSON(parsing: bytes, file: "x") }
    }
    #expect(error?.offset == 0)
  }

  @Test func namesLineAndByte() throws {
    let error = try formatError { _ = try JSON(parsing: "{\"a\":1,\n \"b\":?}", file: "m.jsonl") }
    #expect(
      error?.description
        == "m.jsonl: line 2: JSON: expected a value (at byte 13), the file is damaged, make it again"
    )
  }

  @Test func hugeIntegersBecomeNumbers() throws {
    #expect(try JSON(parsing: "9223372036854775807") == .integer(.max))
    #expect(try JSON(parsing: "9223372036854775808") == .number(9_223_372_036_854_775_808))
  }
}
