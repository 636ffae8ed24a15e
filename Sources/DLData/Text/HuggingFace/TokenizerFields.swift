import DLCore
import DLFormats

/// A part of a `tokenizer.json`, with the faults of what it lacks.
struct TokenizerFields {
  let json: JSON
  let file: String
  /// The place in the file, as `model`.
  let place: String

  /// The name that the library writes of the part's kind.
  var type: String { json["type"]?.string ?? "" }

  /// An error about the part.
  func fault(_ what: String) -> FormatError {
    FormatError(
      .content, file: file, "\(place): \(what)",
      advice:
        "give a tokenizer.json of Hugging Face's tokenizers, of byte pairs (GPT-2) or WordPiece "
        + "(BERT)")
  }

  /// The fault of a kind that dltrain does not read.
  var unread: FormatError {
    fault(type.isEmpty ? "has no type" : "the type \"\(type)\" is not read")
  }

  /// A part of the part; nil where it is missing or null.
  func part(_ key: String) -> TokenizerFields? {
    guard let value = json[key], value != .null else { return nil }
    return TokenizerFields(json: value, file: file, place: place.isEmpty ? key : "\(place).\(key)")
  }

  /// The parts of a list; throws where it is none.
  func parts(_ key: String) throws -> [TokenizerFields] {
    guard let list = json[key]?.array else { throw fault("has no list \"\(key)\"") }
    return list.enumerated().map {
      TokenizerFields(json: $1, file: file, place: "\(place).\(key)[\($0)]")
    }
  }

  /// A flag; throws where it is something else.
  func flag(_ key: String, _ standard: Bool) throws -> Bool {
    guard let value = json[key], value != .null else { return standard }
    guard case .bool(let flag) = value else { throw fault("\"\(key)\" is not true or false") }
    return flag
  }

  /// A text; throws where it is something else.
  func text(_ key: String) throws -> String? {
    guard let value = json[key], value != .null else { return nil }
    guard let text = value.string else { throw fault("\"\(key)\" is no text") }
    return text
  }

  /// Refuses a setting that would change the tokens and is not carried out.
  func requireNone(_ keys: [String]) throws {
    for key in keys {
      switch json[key] {
      case nil, .null, .bool(false), .string(""), .integer(0), .number(0): continue
      default: throw fault("\"\(key)\" is not read")
      }
    }
  }

  /// A token's number within what is possible; throws.
  func number(_ value: JSON?, of token: String) throws -> Int32 {
    guard let number = value?.int, (0..<HuggingFaceTokenizer.mostTokens).contains(number) else {
      throw fault(
        "the token \"\(token.unicodeScalars.prefix(40).map(String.init).joined())\" has no number")
    }
    return Int32(number)
  }

  /// The pieces of `vocab` with their numbers; throws where two have one.
  func vocabulary() throws -> [ScalarString: Int32] {
    guard let members = json["vocab"]?.members else { throw fault("has no \"vocab\"") }
    var numbers: [ScalarString: Int32] = [:]
    numbers.reserveCapacity(members.count)
    for member in members {
      numbers[ScalarString(member.key)] = try number(member.value, of: member.key)
    }
    guard Set(numbers.values).count == numbers.count else {
      throw fault("two tokens have one number")
    }
    return numbers
  }
}
