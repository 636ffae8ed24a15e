/// The way to get the table of both recipes.
private let covidHelp =
  "pack the table by `dltrain data pack csv train.csv --drop id --label -1 --regression --standardize "
  + "-o covid`, then add --set data.train=covid/train.safetensors "
  + "--set data.validation=covid/validation.safetensors"

extension Recipe {
  /// Least squares: all rows a step, so that L-BFGS goes to the minimum itself.
  static let linearCOVID = Recipe(
    name: "linear-covid",
    summary:
      "linear regression by squared errors on a survey by state",
    dataHelp: covidHelp,
    yaml: """
      name: linear-covid
      model: {layers: [{linear: {out: 1}}]}
      loss: mse
      optimizer: {name: lbfgs, line_search_fn: strong_wolfe}
      batch_size: 2429
      steps: 30
      validate: {every_steps: 10, metrics: [rmse, mae]}
      """)

  /// Least absolute errors, whose gradient does not vanish near the minimum: a rate that does.
  static let linearMAECOVID = Recipe(
    name: "linear-mae-covid",
    summary: "linear regression by absolute errors on a survey by state",
    dataHelp: covidHelp,
    yaml: """
      name: linear-mae-covid
      model: {layers: [{linear: {out: 1}}]}
      loss: mae
      optimizer: {name: adam, lr: 0.1}
      schedule: {name: cosine}
      batch_size: 256
      epochs: 400
      validate: {every_epochs: 100, metrics: [rmse, mae]}
      """)
}
