import DLConfiguration
import DLCore
import DLRecipes
import DLTestSupport
import DLTraining
import Testing

/// The named jobs: each loads, says how to get its data, and is the same after a round trip.
@Suite struct RecipeTests {
  @Test func namesAreThoseOfTheGuides() {
    #expect(
      Recipe.all.map(\.name) == [
        "digits", "lenet-mnist", "resnet20-cifar10", "gpt-shakespeare", "lstm-shakespeare",
        "transformer-de-en", "dcgan-mnist", "gcn-cora", "lenet5-28x28",
        "linear-covid", "linear-mae-covid", "cnn-polarity", "lstm-polarity", "gru-polarity",
        "rnn-polarity", "window-partut", "bilstm-partut",
        "frames-spoken-digits", "frames-spoken-speakers", "bilstm-spoken-digits",
        "bilstm-spoken-speakers",
      ])
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
    for (line, recipe) in compared(lines, Recipe.all) {
      #expect(line.hasPrefix(recipe.name + " ") && line.hasSuffix(recipe.summary))
    }
  }

  @Test func unknownNamesListTheKnown() {
    let known = Recipe.all.map(\.name).joined(separator: ", ")
    expect("\"x\": no such recipe, known: \(known)", as: UsageError.self) { try Recipe.text("x") }
    expect(
      "\"x\": no configuration file and no recipe of that name; recipes: \(known)",
      as: UsageError.self
    ) { try Job("x") }
  }

  @Test func aFaultOfAnOverrideComesBeforeTheLackOfData() {
    #expect(throws: ConfigurationError.self) {
      try Job("lenet-mnist").configuration(["optimizer.lrr=1"])
    }
  }
}
