extension Recipe {
  /// A network that tells which ring is in a graph, by sums over neighbors (Xu and others 2019).
  static let ginMotifs = Recipe(
    name: "gin-motifs",
    summary: "graph isomorphism network: the ring of 3 to 6 nodes in a graph (embedded)",
    notes:
      "Molecules: dltrain data pack graphs MUTAG -o mutag, then --set model.kinds=7 with its files.",
    yaml: """
      name: gin-motifs
      data: {train: "embedded:motifs-train", validation: "embedded:motifs-validation"}
      model: {name: gin, layers: 4, hidden: 32}
      loss: cross_entropy
      optimizer: {name: adam, lr: 0.01}
      schedule: {name: cosine}
      batch_size: 32
      epochs: 40
      """)
}
