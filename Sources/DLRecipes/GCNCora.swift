extension Recipe {
  /// A graph convolutional network on the Cora citations, the whole graph in every step.
  static let gcnCora = Recipe(
    name: "gcn-cora",
    summary: "graph convolutional network on Cora, Planetoid split",
    dataHelp:
      "pack the graph by `dltrain data pack cora DIR -o cora.safetensors`, then add "
      + "--set data.train=cora.safetensors --set data.validation=cora.safetensors",
    yaml: """
      name: gcn-cora
      data: {order: sequential}
      model: {name: gcn, hidden: 16, dropout: 0.5}
      loss: cross_entropy
      optimizer:
        name: adam
        lr: 0.01
        groups:
          - {match: "gc1.weight", weight_decay: 5.0e-4}
      batch_size: 140
      epochs: 200
      validate: {every_epochs: 1, batch_size: 1000, patience: 10, judge: loss}
      """)
}
