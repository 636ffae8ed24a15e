import DLCore
import DLFormats

/// The special tokens before and behind a text; the `post_processor` of a `tokenizer.json`.
struct RowMarks {
  private(set) var begin: [Int32] = []
  private(set) var end: [Int32] = []

  /// Reads the part.
  ///
  /// - Throws: `FormatError` for a kind that is not known.
  init(_ fields: TokenizerFields?) throws {
    guard let fields else { return }
    switch fields.type {
    case "ByteLevel": break
    case "BertProcessing", "RobertaProcessing":
      begin = [try Self.mark("cls", fields)]
      end = [try Self.mark("sep", fields)]
    case "TemplateProcessing": try readTemplate(fields)
    case "Sequence":
      for part in try fields.parts("processors") {
        let marks = try RowMarks(part)
        begin = marks.begin + begin
        end += marks.end
      }
    default: throw fields.unread
    }
  }

  private static func mark(_ key: String, _ fields: TokenizerFields) throws -> Int32 {
    guard let pair = fields.json[key]?.array, pair.count == 2, let name = pair[0].string else {
      throw fields.fault("\"\(key)\" is no token with its number")
    }
    return try fields.number(pair[1], of: name)
  }

  private mutating func readTemplate(_ fields: TokenizerFields) throws {
    let special = fields.json["special_tokens"]
    var isBehind = false
    for part in try fields.parts("single") {
      if part.json["Sequence"]?["id"]?.string == "A", !isBehind {
        isBehind = true
      } else if let name = part.json["SpecialToken"]?["id"]?.string,
        let list = special?[name]?["ids"]?.array
      {
        let numbers = try list.map { try part.number($0, of: name) }
        if isBehind { end += numbers } else { begin += numbers }
      } else {
        throw part.fault("is neither the text nor a special token")
      }
    }
    guard isBehind else { throw fields.fault("\"single\" leaves the text out") }
  }
}
