import DLConfiguration
import DLCore

/// A named job: a configuration with defaults for everything, and how to get the data that it
/// needs.
package struct Recipe: Sendable {
  /// The name by which commands take it.
  package let name: String
  /// One line on what it trains.
  package let summary: String
  /// The configuration.
  package let yaml: String
  /// Random rows that stand in for the data where only shapes count; nil for networks whose inputs
  /// are tokens or graphs.
  package let standIn: (inputShape: [Int], classes: Int)?
  /// The way to get the data and name it; nil where it comes with the program.
  package let dataHelp: String?
  /// Other settings worth knowing; nil for none.
  package let notes: String?
  /// The figure and the time; nil for what only measures steps.
  package var outcome: Outcome? { Outcome.measured[name] }

  /// Declares a recipe.
  package init(
    name: String, summary: String, standIn: (inputShape: [Int], classes: Int)? = nil,
    dataHelp: String? = nil, notes: String? = nil, yaml: String
  ) {
    self.name = name
    self.summary = summary
    self.standIn = standIn
    self.dataHelp = dataHelp
    self.notes = notes
    self.yaml = yaml
  }

  /// The recipes of a course, chapter by chapter.
  package static let chapters: [(title: String, recipes: [Recipe])] = [
    (
      "Foundations",
      [
        .digits, .linearCOVID, .linearMAECOVID, .softmaxRegression, .gaussianDigits, .svmDigits,
        .mlpDigits, .curve,
      ]
    ),
    (
      "Vision",
      [
        .lenetMNIST, .lenet5, .alexnetCIFAR10, .vgg11CIFAR10, .vgg16CIFAR10, .ninCIFAR10,
        .googlenetCIFAR10, .resnet18CIFAR10, .resnet20CIFAR10, .resnet50CIFAR10, .densenetCIFAR10,
        .mobilenetCIFAR10, .vitCIFAR10, .stnMNIST, .autoencoderMNIST,
        .detectorDigits, .dilatedDigits, .transferCIFAR10,
      ]
    ),
    (
      "Text",
      [
        .gptShakespeare, .lstmShakespeare, .cnnPolarity, .lstmPolarity, .gruPolarity,
        .rnnPolarity, .bilstmPolarity, .textCNNPolarity, .windowParTUT, .bilstmParTUT,
        .attentionParTUT, .localAttentionParTUT, .bilstmCRFParTUT, .bertMaskedPolarity,
        .bertPolarity, .skipGramPolarity, .cbowPolarity, .ngramShakespeare,
        .neuralNgramShakespeare, .rnnShakespeare, .gruShakespeare, .deepLSTMPolarity,
        .attentionPolarity, .topicsMulti30k,
      ]
    ),
    (
      "Sequence to sequence",
      [
        .transformerDeEn, .gruDeEn, .gruPlainDeEn, .gruAdditiveDeEn, .gruReLUDeEn,
        .selfCriticalDeEn, .natDeEn, .copyNames, .guidedSpelling, .questionsParTUT,
        .turnsShakespeare, .parsesParTUT, .topicsDeEn,
      ]
    ),
    (
      "Speech",
      [
        .framesSpokenDigits, .framesSpokenSpeakers, .bilstmSpokenDigits, .bilstmSpokenSpeakers,
        .conformerSpokenDigits, .conformerSpokenSpeakers, .ctcSpokenStrings,
      ]
    ),
    (
      "Generation",
      [
        .dcganMNIST, .wganMNIST, .wganGPMNIST, .snganMNIST, .cganDigits, .vaeDigits, .vaeMNIST,
      ]
    ),
    ("Graphs", [.gcnCora, .gatCora, .graphsageCora, .ginMotifs]),
  ]

  /// All recipes.
  package static let all = chapters.flatMap(\.recipes)

  /// The list of all recipes by chapter, or one as YAML with the way to its data as a comment.
  ///
  /// - Parameter columns: the width to keep to; nil for any.
  /// - Throws: `UsageError` for a name that is none.
  package static func text(_ name: String?, columns: Int? = nil) throws -> String {
    guard let name else {
      return chapters.map { title, recipes in
        let rows = recipes.map { recipe in
          let told =
            recipe.outcome.map {
              "; " + [$0.figure, $0.time].compactMap { $0 }.joined(separator: ", ")
            } ?? ""
          return ["  " + recipe.name, recipe.summary + told]
        }
        return title + "\n" + Format.table(rows, columns: columns)
      }.joined(separator: "\n\n")
    }
    guard let recipe = named(name) else {
      throw UsageError("\"\(name)\": no such recipe, \(advice(name))")
    }
    let comments = [recipe.dataHelp.map { "Data: " + $0 }, recipe.notes].compactMap { $0 }
    return comments.map { Format.wrapped("# \($0)", columns, indent: "#   ") + "\n" }.joined()
      + recipe.yaml
  }

  /// The advice on what to name in place of a recipe that is none.
  static func advice(_ name: String) -> String {
    nearestWord(to: name, in: all.map(\.name)).map { "did you mean \($0)?" }
      ?? "dltrain recipes lists them"
  }

  /// The recipe of that name.
  package static func named(_ name: String) -> Recipe? { all.first { $0.name == name } }
}
