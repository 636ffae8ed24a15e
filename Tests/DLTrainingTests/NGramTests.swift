import DLCluster
import DLCore
import DLFormats
import DLInference
import DLTestSupport
import DLTraining
import Foundation
import Testing

/// The n-gram model against dictionaries of counts in Python, on any number of ranks.
@Suite struct NGramTests {
  private final class TokenBench: Bench {
    private let folder = TemporaryFolder()
    var path: String { folder.path }
    let json: JSON

    init() throws {
      json = try goldenJSON("ngrams.json")
      for name in ["train", "test"] {
        let tokens = try json.get(name).integers().map { Int32($0) }
        let characters = "abcde".map { "\"\($0)\"" }.joined(separator: ", ")
        try SafetensorsWriter.write(
          [
            SafetensorsTensor(name: "tokens", dtype: .int32, shape: [tokens.count]) { sink in
              try tokens.withUnsafeBytes { try sink($0) }
            }
          ],
          metadata: [
            "classes": "5",
            "tokenizer": "{\"kind\": \"characters\", \"vocabulary\": [\(characters)]}",
          ], to: "\(path)/\(name).safetensors")
      }
    }

    func configuration(_ model: String, _ overrides: [String] = []) throws -> Configuration {
      try Configuration.load(
        yaml: """
          data: {train: train.safetensors, validation: test.safetensors, window: 4}
          model: {name: ngram, \(model)}
          batch_size: 7
          steps: 1
          validate: {every_steps: 1, metrics: [perplexity]}
          precision: float64
          """, folder: path, overrides: overrides)
    }
  }

  @Test func lossesArePythons() throws {
    let bench = try TokenBench()
    let cases = try bench.json.get("cases").list()
    #expect(cases.count == 12)
    for (index, json) in cases.enumerated() {
      let options = try "order: \(json.get("order").int ?? 0), \(json.get("options").text())"
      let want = try json.get("loss").number()
      let configuration = try bench.configuration(options)
      let alone = try train(configuration, bench.options("\(index)-1"))[0]
      #expect(deviation(alone.validations.map(\.loss), [want]) < 1e-12, "\(options)")
      let perplexity = alone.validations.last?.metrics.first { $0.name == "perplexity" }?.value
      #expect(deviation([perplexity ?? .nan], [exp(want)]) < 1e-12, "\(options)")
      for ranks in [2, 3] where index % 4 == 0 {
        let several = try train(configuration, bench.options("\(index)-\(ranks)"), ranks: ranks)
        for rank in several { #expect(rank.parameters == alone.parameters, "\(options)") }
      }
    }
  }

  @Test func goesOnWithAText() throws {
    let bench = try TokenBench()
    try train(bench.configuration("order: 3"), bench.options("run"))
    var generation = TextGeneration(sampler: try TokenSampler(temperature: 0))
    (generation.prompt, generation.tokens) = ("b", 8)
    var text = ""
    try generation.run(LoadedRun("\(bench.path)/run")) { text += $0 }
    // Each token t goes on with 2 t + 1 modulo 4 most often: from b to d, which stays.
    #expect(text == "bdddddddd")
  }

  @Test func whatDoesNotFitIsNamed() throws {
    let bench = try TokenBench()
    for (model, overrides, fault) in [
      ("order: 12", [], "more counts than are kept"),
      ("order: 3", ["data.window=1"], "raise data.window"),
      ("order: 3", ["data.order=sequential"], "windows that begin at every token"),
    ] {
      let configuration = try bench.configuration(model, overrides)
      #expect {
        try train(configuration, bench.options("none"))
      } throws: { "\($0)".contains(fault) }
    }
  }
}
