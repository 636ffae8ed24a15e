// Everything that a program can bring of its own, named in YAML beside what dltrain has.
import DLTrain

try LayerRegistry.register(OptionlessSpec<StraightThrough>.self)
try LossRegistry.register(LogCosh.self)
try OptimizerRegistry.register(SignSGDSpec.self)
try ScheduleRegistry.register(TriangleSpec.self)
try MetricRegistry.register(WithinOne.self)
DataSources.register(Spirals.self)

let defaults = """
  name: own-parts
  data: {train: embedded:digits-train, validation: embedded:digits-validation, normalize: {mean: [0.3], std: [0.37]}}
  optimizer: {name: sign_sgd, lr: 0.002}
  schedule: {name: triangle, cycles: 2}
  validate: {metrics: [accuracy, within_one]}
  batch_size: 64
  epochs: 10
  """

// The task of two views, unless the configuration names layers of its own.
TrainingProgram.main(defaults: defaults) { input in
  let model = input.configuration.model
  return model.layers == nil && model.name == nil
    ? TwoViewTask() : try input.task(input.network())
}
