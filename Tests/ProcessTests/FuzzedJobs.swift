import DLConfiguration
import DLTestSupport
import DLTraining
import Foundation

/// Small jobs of each kind, whose keys have values between them that reach all parts of the program.
enum FuzzedJobs {
  /// Each with the name of its file.
  static let all: [(name: String, yaml: String)] = written + RegistryJobs.beside(written)

  private static let written: [(name: String, yaml: String)] =
    [
      ("images", images), ("local", local), ("rows", rows), ("gan", gan), ("lstm", lstm),
      ("gpt", gpt),
      ("translation", translation),
    ] + FuzzedNames.all

  private static let images = """
    data: {train: "embedded:digits-train", validation: "embedded:digits-validation", repeats: 2,
           augment: [flip, {pad_crop: {padding: 1}}, {cutout: {size: 2}}],
           normalize: {mean: [0.3], std: [0.4]}}
    model:
      layers:
        - conv2d: {out: 4, kernel: 3, padding: 1}
        - batch_norm
        - residual: {layers: [{conv2d: {out: 4, kernel: 3, padding: 1}}]}
        - max_pool2d: {kernel: 2, stride: 2}
        - flatten
        - dropout: {p: 0.5}
        - linear: {out: 10}
    optimizer: {name: sgd, lr: 0.01, momentum: 0.9, clip_norm: 1.0,
                groups: [{match: bias, weight_decay: 0.0}]}
    schedule: {name: step, step_epochs: 1, warmup_steps: 2}
    average: {name: ema, decay: 0.9, every_steps: 1}
    scale_lr: {base_batch: 8}
    batch_size: 16
    accumulate: 2
    steps: 2
    checkpoint: {every_steps: 2, every_epochs: 1, keep: 2}
    validate: {every_epochs: 1, every_steps: 2, batch_size: 64, patience: 3, views: six}

    """

  private static let local = """
    data: {synthetic: {shape: [28, 28, 1], classes: 4, rows: 32}}
    model: {name: lenet5}
    optimizer: {name: adamw, lr: 0.01, weight_decay: 0.1, lookahead: {k: 2, alpha: 0.5}}
    schedule: {name: cosine_restarts, t_0: 4}
    average: {name: swa, start_epochs: 0.5}
    local_sgd: {start_steps: 1}
    batch_size: 8
    epochs: 1

    """

  private static let rows = """
    data: {synthetic: {shape: [12], classes: 3, rows: 64}, order: sequential, last_batch: drop}
    model: {layers: [{linear: {out: 16}}, gelu, {layer_norm: {eps: 1.0e-5}}, {linear: {out: 3}}]}
    optimizer: {name: adagrad, lr: 0.1, sam: {rho: 0.1}}
    schedule: {name: polynomial, power: 2.0}
    batch_size: 8
    steps: 2
    shares: [1]
    seed: 7
    virtual_ranks: 1

    """

  private static let gan = """
    data: {synthetic: {shape: [28, 28, 1], classes: 2, rows: 32}, last_batch: drop}
    model: {name: dcgan, latent: 10, width: 4}
    optimizers:
      discriminator: {name: adam, lr: 0.0002, betas: [0.5, 0.999]}
      generator: {name: adam, lr: 0.0002, betas: [0.5, 0.999]}
    batch_size: 8
    steps: 2

    """

  private static let lstm = """
    data: {train: text/train.safetensors, validation: text/validation.safetensors, window: 16,
           order: sequential}
    model: {name: lstm_lm, layers: 1, hidden: 16}
    optimizer: {name: adam, lr: 0.002, clip_norm: 1.0}
    schedule: {name: cosine, end_factor: 0.05}
    batch_size: 8
    steps: 2

    """

  private static let gpt = """
    data: {train: text/train.safetensors, validation: text/validation.safetensors, window: 16}
    model: {name: gpt, layers: 1, width: 16, heads: 2, dropout: 0.1}
    optimizer: {name: adamw, lr: 0.002, no_decay: [bias, norm]}
    schedule: {name: multi_step, milestones: [1, 2]}
    batch_size: 8
    steps: 2

    """

  private static let translation = """
    data: {train: pairs/a.safetensors, order: bucketed}
    model: {name: transformer, layers: 1, width: 16, heads: 2, feed_forward: 32}
    optimizer: {name: adam, lr: 0.001}
    schedule: {name: inverse_sqrt, warmup_steps: 8}
    batch_size: 8
    steps: 1

    """

  /// Writes the jobs and the data that they name.
  static func write(to folder: String) throws {
    for job in all {
      try job.yaml.write(toFile: "\(folder)/\(job.name).yaml", atomically: true, encoding: .utf8)
    }
    let lines = (0..<600).map {
      "the \(["cat", "dog", "owl"][$0 % 3]) saw \($0 * 7919 % 101) stars"
    }
    let text = lines.map { $0 + "\n" }.joined()
    for name in ["a.de", "a.en"] {
      try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
    }
    for words in [
      ["text", "a.en", "-o", "text"],
      ["text", "a.en", "--words", "-o", "words"],
      ["strewn", "embedded:digits-validation", "-o", "objects", "--canvas", "24", "--rows", "16"],
      ["parallel", "a.de", "a.en", "-o", "pairs", "--vocabulary", "290"],
    ] {
      let outcome = try Program.run(["data", "pack"] + words, in: folder)
      guard outcome.status == 0 else { throw CocoaError(.fileWriteUnknown) }
    }
    try FuzzedNames.writeData(to: folder)
  }

  /// The names of layers that a value of `model.layers` holds, those within others too.
  static func layers(in node: ConfigurationNode) -> [String] {
    guard case .list(let items) = node.value else { return [] }
    return items.flatMap { item -> [String] in
      switch item.value {
      case .string(let word): [word]
      case .mapping(let entries):
        entries.flatMap { entry -> [String] in
          guard case .mapping(let options) = entry.value.value else { return [entry.key] }
          return [entry.key] + options.flatMap { layers(in: $0.value) }
        }
      default: []
      }
    }
  }

  /// The paths of all values of a job's resolved configuration, and of what holds them.
  static func keys(of yaml: String, in folder: String) throws -> [String] {
    paths(try Configuration.load(yaml: yaml, folder: folder).node, "")
  }

  private static func paths(_ node: ConfigurationNode, _ path: String) -> [String] {
    func all(_ parts: [(key: String, node: ConfigurationNode)]) -> [String] {
      parts.flatMap { part in
        let path = path.isEmpty ? part.key : "\(path).\(part.key)"
        return [path] + paths(part.node, path)
      }
    }
    switch node.value {
    case .mapping(let entries): return all(entries.map { ($0.key, $0.value) })
    case .list(let items): return all(items.enumerated().map { (String($0), $1) })
    default: return []
    }
  }
}
