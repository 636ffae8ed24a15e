import DLCluster
import DLConfiguration
import DLLayers
import DLModels
import DLOptimizers
import DLTestSupport
import DLTraining

/// Small jobs for the names of the registries that no job written by hand holds.
///
/// They are made from what each name says of its options, and the first one that trains is taken: a
/// new layer, loss, optimizer, ... is tried without an entry of its own.
enum RegistryJobs {
  /// What a section of a configuration can name.
  struct Kind: Sendable {
    let noun: String
    /// The names, each with the options that it may be given.
    let registered: [(name: String, options: [String])]
    /// The names that a job holds.
    let found: @Sendable (Configuration) -> [String]
    /// Jobs of which one may be for a name with options.
    let jobs: @Sendable (_ name: String, _ options: String) -> [String]
  }

  static let kinds: [Kind] = [
    Kind(
      noun: "layer",
      registered: LayerRegistry.builtIn.map { ($0.word, RequiredOptions.texts($0)) },
      found: { $0.node["model"]?["layers"].map { FuzzedJobs.layers(in: $0) } ?? [] },
      jobs: { name, options in
        let layer = choice(name, options)
        return [images, sequences].map { job($0, "[\(layer), flatten, {linear: {out: 3}}]") } + [
          job(rows, "[\(layer), {linear: {out: 3}}]"),
          job(tokens, "[\(layer), {linear: {out: 9}}]"),
          job(tokens, "[{embedding: {entries: 9, size: 4}}, {linear: {out: 9}}, \(layer)]"),
        ]
      }),
    Kind(
      noun: "model", registered: ModelRegistry.builtIn.map { ($0.name, RequiredOptions.texts($0)) },
      found: { $0.model.name.map { [$0] } ?? [] },
      jobs: { name, options in
        [images, pictures, rows, tokens].map { data in
          "data: {\(data)}\nmodel: \(section(name, options))\nbatch_size: 8\nsteps: 1\n"
        }
      }),
    Kind(
      noun: "loss", registered: LossRegistry.builtIn.map { ($0.word, RequiredOptions.texts($0)) },
      found: { [$0.loss.word] },
      jobs: { name, options in
        ["", ", sigmoid", ", log_softmax"].flatMap { last in
          [(rows, 3), (values, 2)].map { data, outputs in
            job(data, "[{linear: {out: \(outputs)}}\(last)]", "loss: \(choice(name, options))")
          }
        }
      }),
    Kind(
      noun: "metric",
      registered: MetricRegistry.builtIn.map { ($0.word, RequiredOptions.texts($0)) },
      found: { $0.validate.metrics.map { $0.word } },
      jobs: { name, options in
        let metrics = "validate: {every_steps: 1, metrics: [\(choice(name, options))]}"
        return [
          job(digits, "[flatten, {linear: {out: 10}}]", metrics),
          job(values, "[{linear: {out: 2}}]", "loss: mse\n" + metrics),
        ]
      }),
    Kind(
      noun: "augmentation",
      registered: AugmentationRegistry.builtIn.map { ($0.word, RequiredOptions.texts($0)) },
      found: { $0.data.augment.map { $0.word } },
      jobs: { name, options in
        [job("\(digits), augment: [\(choice(name, options))]", "[flatten, {linear: {out: 10}}]")]
      }),
    Kind(
      noun: "optimizer",
      registered: OptimizerRegistry.builtIn.map { ($0.word, RequiredOptions.texts($0)) },
      found: { [$0.optimizer.name.rawValue] },
      jobs: { [job(rows, "[{linear: {out: 3}}]", "optimizer: \(section($0, $1))")] }),
    Kind(
      noun: "schedule",
      registered: ScheduleRegistry.builtIn.map { ($0.word, RequiredOptions.texts($0)) },
      found: { [$0.schedule.name.rawValue] },
      jobs: { name, options in
        let schedule = "schedule: \(section(name, options))"
        return [
          job(rows, "[{linear: {out: 3}}]", schedule),
          job(values, "[{linear: {out: 2}}]", "loss: mse\n" + schedule),
        ]
      }),
    Kind(
      noun: "average",
      registered: AverageRegistry.builtIn.map { ($0.word, RequiredOptions.texts($0)) },
      found: { $0.average.map { [$0.name.rawValue] } ?? [] },
      jobs: { [job(rows, "[{linear: {out: 3}}]", "average: \(section($0, $1))")] }),
    Kind(
      noun: "codec", registered: CodecRegistry.builtIn.map { ($0.word, RequiredOptions.texts($0)) },
      found: { [$0.compression.name.rawValue] },
      jobs: { [job(rows, "[{linear: {out: 3}}]", "compression: \(section($0, $1))")] }),
  ]

  private static let images = "synthetic: {shape: [8, 8, 4], classes: 3, rows: 16}"
  private static let pictures = "synthetic: {shape: [28, 28, 1], classes: 3, rows: 16}"
  private static let sequences = "synthetic: {shape: [16, 4], classes: 3, rows: 16}"
  private static let rows = "synthetic: {shape: [12], classes: 3, rows: 16}"
  private static let tokens = "synthetic: {tokens: 6, vocabulary: 9, rows: 16}"
  private static let values = "train: values.safetensors, validation: values.safetensors"
  private static let digits =
    "train: \"embedded:digits-validation\", validation: \"embedded:digits-validation\""

  private static func choice(_ name: String, _ options: String) -> String {
    options.isEmpty ? name : "{\(name): {\(options)}}"
  }

  private static func section(_ name: String, _ options: String) -> String {
    options.isEmpty ? "{name: \(name)}" : "{name: \(name), \(options)}"
  }

  private static func job(_ data: String, _ layers: String, _ lines: String = "") -> String {
    "data: {\(data)}\nmodel: {layers: \(layers)}\n\(lines)\nbatch_size: 8\nsteps: 1\n"
  }

  /// Jobs of the names that none of `written` holds; a name for which none trains has none.
  static func beside(_ written: [(name: String, yaml: String)]) -> [(name: String, yaml: String)] {
    let jobs = try? TemporaryFolder.with { folder in
      try FuzzedNames.writeTensors(to: folder)
      let known = try written.map { try Configuration.load(yaml: $0.yaml, folder: folder) }
      return kinds.flatMap { missing($0, among: known, in: folder) }
    }
    return jobs ?? []
  }

  private static func missing(_ kind: Kind, among known: [Configuration], in folder: String)
    -> [(name: String, yaml: String)]
  {
    let found = Set(known.flatMap(kind.found))
    return kind.registered.filter { !found.contains($0.name) }.compactMap { entry in
      let jobs = entry.options.flatMap { kind.jobs(entry.name, $0) }
      guard let yaml = jobs.first(where: { trains($0, in: folder) }) else { return nil }
      return (name: "\(kind.noun)-\(entry.name)", yaml: yaml)
    }
  }

  /// Whether a job of one rank takes its step.
  static func trains(_ yaml: String, in folder: String) -> Bool {
    var options = TrainingOptions()
    options.writesRun = false
    do {
      let job = try Configuration.load(yaml: yaml, folder: folder)
      _ = try Trainer(job, options: options, communicator: SingleRank()).train()
      return true
    } catch {
      return false
    }
  }
}
