import DLTensor
import DLCore
import DLFormats
import Glibc

/// Corpus BLEU as sacreBLEU computes it: 4-grams, exponential smoothing of precisions that are 0,
/// case kept.
///
/// Papineni et al. 2002: BP * exp(mean of log p_n), where p_n is the share of the candidates' n-grams that occur in their
/// references, each at most as often as there, and BP = exp(1 - r/c) for candidates that are
/// shorter (c) than their references (r). Counterpart: `sacrebleu.corpus_bleu`.
package struct BLEU: Sendable, Hashable {
  /// A way of cutting text into words before it is compared.
  package enum Tokenization: String, Sendable, CaseIterable {
    /// At white space, for text that is tokenized already.
    case none
    /// By the rules of mteval-v13a, sacreBLEU's default.
    case mteval13a = "13a"
  }

  /// The score, 0 to 100.
  package let score: Double
  /// Precisions of 1-grams to 4-grams, 0 to 100.
  package let precisions: [Double]
  /// The penalty of brevity, 0 to 1.
  package let brevityPenalty: Double
  /// Words of the candidates.
  package let candidateLength: Int
  /// Words of the references, of several those of the nearest length.
  package let referenceLength: Int

  private static let order = 4

  /// The counts that scores are made of; those of parts of a corpus add up to those of the whole.
  package struct Counts: Sendable, Hashable {
    /// Matching n-grams by n, n-grams by n, words of the candidates, words of the references.
    package private(set) var values = [Int](repeating: 0, count: 2 * BLEU.order + 2)

    /// Starts with no sentence.
    package init() {}

    /// Takes counts as ``values`` gave them.
    package init(_ values: [Int]) {
      precondition(values.count == self.values.count, "counts of n-grams up to 4 and two lengths")
      self.values = values
    }

    /// Adds a sentence with its references.
    package mutating func add(
      _ candidate: String, references: [String], tokenization: Tokenization = .none
    ) {
      let words = BLEU.words(candidate, tokenization)
      let others = references.map { BLEU.words($0, tokenization) }
      values[2 * BLEU.order] += words.count
      let nearest = others.map(\.count).min {
        (abs($0 - words.count), $0) < (abs($1 - words.count), $1)
      }
      values[2 * BLEU.order + 1] += nearest ?? 0
      for n in 1...BLEU.order {
        var allowed: [ArraySlice<ScalarString>: Int] = [:]
        for other in others { allowed.merge(BLEU.grams(other, n), uniquingKeysWith: max) }
        for (gram, count) in BLEU.grams(words, n) {
          values[n - 1] += min(count, allowed[gram] ?? 0)
        }
        values[BLEU.order + n - 1] += max(words.count - n + 1, 0)
      }
    }
  }

  /// Scores candidates against one or several references each.
  ///
  /// - Throws: `DataError` where a candidate has no reference, or there are not as many references
  ///   as candidates.
  package init(
    _ candidates: [String], references: [[String]], tokenization: Tokenization = .none
  ) throws {
    guard candidates.count == references.count, references.allSatisfy({ !$0.isEmpty }) else {
      throw DataError(
        "BLEU: \(candidates.count) candidates and \(references.count) references, give each its own",
        exitCode: .data)
    }
    var counts = Counts()
    for (candidate, references) in zip(candidates, references) {
      counts.add(candidate, references: references, tokenization: tokenization)
    }
    self.init(counts)
  }

  /// Scores a corpus of which only the counts are left.
  package init(_ counts: Counts) {
    let values = counts.values
    let order = Self.order
    candidateLength = values[2 * order]
    referenceLength = values[2 * order + 1]
    brevityPenalty =
      candidateLength >= referenceLength
      ? 1
      : candidateLength == 0
        ? 0 : PortableMath.exp(1 - Double(referenceLength) / Double(candidateLength))
    precisions = Self.smoothed(Array(values[..<order]), Array(values[order..<2 * order]))
    let isNothing = precisions.contains(0)
    score =
      isNothing
      ? 0
      : brevityPenalty
        * PortableMath.exp(precisions.reduce(0) { $0 + PortableMath.log($1) } / Double(Self.order))
  }

  private static func smoothed(_ correct: [Int], _ total: [Int]) -> [Double] {
    guard correct.contains(where: { $0 > 0 }) else { return correct.map { _ in 0 } }
    var smoothing = 1.0
    return zip(correct, total).map { correct, total in
      if total == 0 { return 0 }
      if correct > 0 { return 100 * Double(correct) / Double(total) }
      smoothing *= 2
      return 100 / (smoothing * Double(total))
    }
  }

  private static func grams(_ words: [ScalarString], _ n: Int) -> [ArraySlice<ScalarString>: Int] {
    var result: [ArraySlice<ScalarString>: Int] = [:]
    guard words.count >= n else { return result }
    for begin in 0...(words.count - n) { result[words[begin..<begin + n], default: 0] += 1 }
    return result
  }

  private static func words(_ text: String, _ tokenization: Tokenization) -> [ScalarString] {
    (tokenization == .none ? text : mteval13a(text)).words().map { ScalarString($0) }
  }

  /// The rules of mteval-v13a.pl, as sacreBLEU has them.
  static func mteval13a(_ text: String) -> String {
    var text = text
    for (from, to) in [
      ("<skipped>", ""), ("-\n", ""), ("\n", " "), ("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"),
      ("&gt;", ">"),
    ] {
      if from.hasPrefix("&"), !text.unicodeScalars.contains("&") { continue }
      text = replaced(text, from, to)
    }
    let blank: Unicode.Scalar = " "
    var scalars: [Unicode.Scalar] = [blank]
    for scalar in text.unicodeScalars {
      scalars += isSeparate(scalar) ? [blank, scalar, blank] : [scalar]
    }
    scalars.append(blank)
    func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }
    func isPoint(_ scalar: Unicode.Scalar) -> Bool { scalar == "." || scalar == "," }
    scalars = pairs(scalars) {
      !isDigit($0) && isPoint($1)
    } insert: {
      [$0, blank, $1, blank]
    }
    scalars = pairs(scalars) {
      isPoint($0) && !isDigit($1)
    } insert: {
      [blank, $0, blank, $1]
    }
    scalars = pairs(scalars) {
      isDigit($0) && $1 == "-"
    } insert: {
      [$0, blank, $1, blank]
    }
    return String(String.UnicodeScalarView(scalars))
  }

  /// Returns whether a character stands alone: punctuation but for the apostrophe, comma, hyphen
  /// and point.
  private static func isSeparate(_ scalar: Unicode.Scalar) -> Bool {
    ("{"..."~").contains(scalar) || ("["..."`").contains(scalar) || (" "..."&").contains(scalar)
      || ("("..."+").contains(scalar) || (":"..."@").contains(scalar) || scalar == "/"
  }

  /// Replaces pairs of neighbors, from the left, none twice.
  private static func pairs(
    _ scalars: [Unicode.Scalar], where matches: (Unicode.Scalar, Unicode.Scalar) -> Bool,
    insert: (Unicode.Scalar, Unicode.Scalar) -> [Unicode.Scalar]
  ) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    var index = 0
    while index < scalars.count {
      if index + 1 < scalars.count, matches(scalars[index], scalars[index + 1]) {
        result += insert(scalars[index], scalars[index + 1])
        index += 2
      } else {
        result.append(scalars[index])
        index += 1
      }
    }
    return result
  }

  private static func replaced(_ text: String, _ from: String, _ to: String) -> String {
    let (source, pattern) = (Array(text.unicodeScalars), Array(from.unicodeScalars))
    var result = String.UnicodeScalarView()
    var index = 0
    while index < source.count {
      if source[index...].starts(with: pattern) {
        result.append(contentsOf: to.unicodeScalars)
        index += pattern.count
      } else {
        result.append(source[index])
        index += 1
      }
    }
    return String(result)
  }
}
