extension FuzzedNames {
  private static func model(_ name: String, _ model: String, data: String, rows: Int = 8)
    -> (name: String, yaml: String)
  {
    (name, "data: \(data)\nmodel: \(model)\nbatch_size: \(rows)\nsteps: 1\n")
  }

  static let models = [
    (
      "features",
      """
      data: {synthetic: {shape: [28, 28, 1], classes: 2, rows: 32}}
      model: {name: lenet5}
      batch_size: 8
      steps: 1

      """
    ),
    (
      "metrics-images",
      """
      data: {train: pictures.safetensors, validation: pictures.safetensors, last_batch: drop}
      model: {name: dcgan, latent: 10, width: 4, features: features-run}
      validate: {every_steps: 1, metrics: [frechet, divergence]}
      batch_size: 8
      steps: 1

      """
    ),
    (
      "resnet",
      """
      data: {synthetic: {shape: [8, 8, 3], classes: 3, rows: 16}}
      model: {name: resnet_cifar}
      batch_size: 8
      steps: 1

      """
    ),
    (
      "gcn",
      """
      data: {train: graph.safetensors}
      model: {name: gcn}
      batch_size: 1
      steps: 1

      """
    ),
    model("gat", "{name: gat, hidden: 2, heads: 2}", data: "{train: graph.safetensors}", rows: 1),
    model(
      "gin", "{name: gin, layers: 1, hidden: 2}", data: "{train: \"embedded:motifs-validation\"}"),
    model("graphsage", "{name: graphsage, hidden: 2}", data: "{train: graph.safetensors}", rows: 1),
    model(
      "bert", "{name: bert, layers: 1, width: 8, heads: 2}",
      data: "{train: text/train.safetensors, window: 16}"),
    model(
      "seq2seq", "{name: seq2seq, width: 8, attention: additive}",
      data: "{train: pairs/a.safetensors, order: bucketed}"),
    model(
      "seq2seq-variants",
      "{name: seq2seq, width: 8, copy: true, guided: 1, self_critical: 0.5, risk_samples: 2}",
      data: "{train: pairs/a.safetensors, order: bucketed}"),
    model(
      "nat", "{name: nat, layers: 1, width: 8, heads: 2, feed_forward: 8, reach: 3}",
      data: "{train: pairs/a.safetensors, order: bucketed}"),
    model(
      "ngram", "{name: ngram, order: 2, smoothing: interpolated}",
      data: "{train: text/train.safetensors, window: 16}"),
    model(
      "word2vec", "{name: word2vec, size: 4, subsample: 0.01}",
      data: "{train: words/train.safetensors, window: 5}"),
    model(
      "gan-layers",
      "{name: gan, latent: 2, generator: [{linear: {out: 64}}], discriminator: [flatten, {linear: {out: 1}}]}",
      data: "{synthetic: {shape: [8, 8, 1], classes: 2, rows: 16}}"),
    model(
      "vae",
      "{name: vae, latent: 2, likelihood: gaussian, encoder: [flatten], decoder: [{linear: {out: 64}}]}",
      data: "{synthetic: {shape: [8, 8, 1], classes: 2, rows: 16}}"),
    (
      "gaussian",
      """
      data: {synthetic: {shape: [4], classes: 2, rows: 32}, normalize: auto, folds: {count: 2}}
      model: {name: gaussian, ridge: 0.1}
      batch_size: 8
      steps: 1

      """
    ),
    (
      "mlp",
      """
      data: {synthetic: {shape: [4], classes: 3, rows: 32}}
      model: {name: mlp, hidden: 4, depth: 2, normalization: batch, dropout: 0.1}
      loss: {hinge: {margin: 0.5}}
      batch_size: 8
      steps: 1

      """
    ),
    model(
      "resnet18", "{name: resnet, depth: 18, stem: cifar, zero_init_residual: true}", data: images,
      rows: 2),
    model("vgg", "{name: vgg, depth: 11, batch_norm: true, hidden: 4}", data: images, rows: 2),
    model(
      "alexnet", "{name: alexnet, hidden: 4}",
      data: "{synthetic: {shape: [64, 64, 1], classes: 2, rows: 4}}", rows: 2),
    model(
      "vit", "{name: vit, patch: 8, layers: 1, width: 8, heads: 2, feed_forward: 4, dropout: 0.1}",
      data: images, rows: 2),
    model("mobilenet", "{name: mobilenet_v2, width_mult: 0.1}", data: images, rows: 2),
    model("densenet", "{name: densenet, dropout: 0.1}", data: images, rows: 2),
    model(
      "gpt2", "{name: gpt2, layers: 1, width: 8, heads: 2, positions: 20}",
      data: "{train: text/train.safetensors, window: 16}"),
    model(
      "bert-base",
      "{name: bert_base, head: masked, mask_token: 0, layers: 1, width: 8, heads: 2, feed_forward: 4}",
      data: "{train: text/train.safetensors, window: 16}"),
  ]

  private static let images = "{synthetic: {shape: [32, 32, 3], classes: 2, rows: 4}}"
}
