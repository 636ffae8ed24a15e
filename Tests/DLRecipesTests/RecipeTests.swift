import DLConfiguration
import DLCore
import DLRecipes
import DLReports
import DLTestSupport
import DLTraining
import Testing

/// The named jobs: each loads, says how to get its data, and is the same after a round trip.
@Suite struct RecipeTests {
  @Test func namesAreThoseOfTheGuides() {
    #expect(
      Recipe.chapters.map(\.title) == [
        "Foundations", "Vision", "Text", "Sequence to sequence", "Speech", "Generation", "Graphs",
      ])
    #expect(Set(Recipe.all.map(\.name)).count == Recipe.all.count && Recipe.all.count > 30)
    for recipe in Recipe.all {
      #expect(Recipe.named(recipe.name)?.yaml == recipe.yaml, "\(recipe.name)")
      #expect(!recipe.summary.isEmpty && !recipe.summary.contains("\n"), "\(recipe.name)")
    }
    #expect(Recipe.named("no-such-recipe") == nil)
  }

  /// The canonical text says as much as the recipe, and is its own canonical text.
  @Test(arguments: Recipe.all.map(\.name))
  func eachLoadsAndComesBack(name: String) throws {
    let recipe = try #require(Recipe.named(name))
    let overrides =
      recipe.dataHelp == nil
      ? [] : ["data.train=/data/train.safetensors", "data.validation=/data/test.safetensors"]
    let job = try Job(name)
    #expect(job.recipe?.name == name)
    let configuration = try job.configuration(overrides)
    #expect(configuration.name == name)
    let again = try Configuration.load(yaml: configuration.yaml())
    #expect(again == configuration)
    #expect(again.yaml() == configuration.yaml())
  }

  @Test(arguments: Recipe.all.filter { $0.dataHelp != nil }.map(\.name))
  func whatNeedsDataSaysHowToGetIt(name: String) throws {
    let help = try #require(Recipe.named(name)?.dataHelp)
    expect("\(name): no data.train; \(help)", as: UsageError.self) {
      try Job(name).configuration([])
    }
    #expect(try Recipe.text(name).hasPrefix("# Data: \(help)\n"))
    // Where a network takes images, its shapes can be looked at without data.
    guard let standIn = Recipe.named(name)?.standIn else { return }
    let configuration = try Job(name).configuration([], needsData: false)
    #expect(configuration.data.synthetic?.shape == standIn.inputShape)
  }

  @Test func theListNamesEach() throws {
    let lines = try Recipe.text(nil).split(separator: "\n")
    let (titles, rows) = (lines.filter { !$0.hasPrefix(" ") }, lines.filter { $0.hasPrefix(" ") })
    #expect(titles.map(String.init) == Recipe.chapters.map(\.title))
    for (line, recipe) in compared(rows, Recipe.all) {
      let time = recipe.outcome?.time.map { ", \($0)" } ?? ""
      let told = recipe.outcome.map { "; \($0.figure)\(time)" } ?? ""
      #expect(line.hasPrefix("  " + recipe.name + " ") && line.hasSuffix(recipe.summary + told))
    }
    // It measures steps alone; a name that is no recipe's would never be shown.
    let without = Recipe.all.filter { $0.outcome == nil }.map(\.name)
    #expect(without == ["lenet5-28x28"])
    #expect(Outcome.measured.keys.allSatisfy { Recipe.named($0) != nil })
  }

  @Test func unknownNamesAreGuessed() {
    expect("\"x\": no such recipe, dltrain recipes lists them", as: UsageError.self) {
      try Recipe.text("x")
    }
    expect(
      "\"gcn-cara\": no configuration file and no recipe, did you mean gcn-cora?",
      as: UsageError.self
    ) { try Job("gcn-cara") }
  }

  @Test func aFaultOfAnOverrideComesBeforeTheLackOfData() {
    #expect(throws: ConfigurationError.self) {
      try Job("lenet-mnist").configuration(["optimizer.lrr=1"])
    }
  }
}

/// The studies that are built in: each is a list of jobs that load, and has a name of its own.
@Suite struct StudyRecipeTests {
  @Test func eachHasANameThatNoRecipeOrOtherStudyHas() {
    let names = StudyRecipe.all.map(\.name)
    #expect(names.count >= 12 && Set(names).count == names.count)
    for study in StudyRecipe.all {
      #expect(Recipe.named(study.name) == nil, "\(study.name)")
      #expect(study.yaml.hasPrefix("name: \(study.name)\n"))
      #expect(!study.summary.isEmpty && !study.summary.contains("\n"))
    }
    let study = try? StudyRecipe.named("cross-validation").map { study in
      try Study(yaml: study.yaml, source: study.name, folder: "") {
        try Job($0).configuration([], replacements: $1)
      }
    }
    #expect(study?.runs.count == 30)
    expect(
      "\"x\": no such study, known: \(names.joined(separator: ", "))", as: UsageError.self
    ) { try StudyRecipe.text("x") }
  }

  /// Every run of every study has a configuration, and one of its own: equal ones are refused.
  @Test(arguments: StudyRecipe.all.map(\.name))
  func eachRunLoads(name: String) throws {
    let recipe = try #require(StudyRecipe.named(name))
    let study = try Study(yaml: recipe.yaml, source: name, folder: "") {
      try Job($0).configuration([], replacements: $1)
    }
    #expect(study.runs.count >= 4)
    #expect(Set(study.runs.map(\.name)).count == study.runs.count)
  }
}
