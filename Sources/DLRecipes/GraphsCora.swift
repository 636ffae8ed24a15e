extension Recipe {
  /// Attention over a paper's neighbors, by the settings of Velickovic and others (2018).
  static let gatCora = Recipe(
    name: "gat-cora",
    summary: "graph attention network on Cora, Planetoid split",
    dataHelp: Recipe.gcnCora.dataHelp,
    yaml: """
      name: gat-cora
      data: {order: sequential}
      model: {name: gat, hidden: 8, heads: 8, dropout: 0.6}
      loss: cross_entropy
      optimizer: {name: adam, lr: 0.005, weight_decay: 5.0e-4}
      batch_size: 140
      epochs: 1000
      validate: {every_epochs: 1, batch_size: 1000, patience: 100, judge: loss}
      """)

  /// Means over a paper's neighbors beside itself (Hamilton and others 2017).
  static let graphsageCora = Recipe(
    name: "graphsage-cora",
    summary: "GraphSAGE with means on Cora, Planetoid split",
    dataHelp: Recipe.gcnCora.dataHelp,
    yaml: """
      name: graphsage-cora
      data: {order: sequential}
      model: {name: graphsage, hidden: 64, dropout: 0.5}
      loss: cross_entropy
      optimizer: {name: adam, lr: 0.01, weight_decay: 5.0e-4}
      batch_size: 140
      epochs: 300
      validate: {every_epochs: 1, batch_size: 1000, patience: 50, judge: loss}
      """)
}
