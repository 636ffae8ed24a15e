// Everything that a program can bring of its own, named in YAML beside what dltrain has.
import DLTrain

try LayerRegistry.register(OptionlessSpec<StraightThrough>.self)
try LossRegistry.register(LogCosh.self)
try OptimizerRegistry.register(SignSGDSpec.self)
try ScheduleRegistry.register(TriangleSpec.self)
try MetricRegistry.register(WithinOne.self)
try ModelRegistry.register(TwoViewsOptions.self)
TaskRegistry.register(TwoViewTask.self)
DataSources.register(Spirals.self)

let defaults = """
  name: own-parts
  data: {train: embedded:digits-train, validation: embedded:digits-validation, normalize: {mean: [0.3], std: [0.37]}}
  model: {name: two_views, width: 16}
  optimizer: {name: sign_sgd, lr: 0.002}
  schedule: {name: triangle, cycles: 2}
  validate: {metrics: [accuracy, within_one]}
  batch_size: 64
  epochs: 10
  """

TrainingProgram.main(defaults: defaults)
