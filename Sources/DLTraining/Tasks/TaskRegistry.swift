import DLConfiguration
import DLLayers

/// A task that says itself which networks it trains.
public protocol NetworkTask: TrainingTask {
  /// Makes the task around a network; nil where that is not of its kind.
  ///
  /// - Throws: what is wrong with a job whose network is.
  static func make(_ network: Module, _ input: TaskInput) throws -> (any TrainingTask)?
}

/// The tasks that a network is offered to, in turn.
public enum TaskRegistry {
  /// The tasks of dltrain, the narrower before the wider: a new one adds its line here.
  package static var builtIn: [any NetworkTask.Type] {
    [
      TaggingTask.self,
      DetectionTask.self,
      SequentialTask.self,
      MaskedTask.self,
      WordVectorTask.self,
      SupervisedTask.self,
      AdversarialTask.self,
      VariationalTask.self,
      TranslationTask.self,
      GraphTask.self,
    ]
  }

  private static let registry = TurnRegistry(builtIn)

  /// Adds a task of a program's own, which is asked before the others, the last one added first.
  public static func register(_ task: any NetworkTask.Type) { registry.register(task) }

  static var all: [any NetworkTask.Type] { registry.all }
}
