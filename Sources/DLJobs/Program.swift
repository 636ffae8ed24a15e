import DLTraining

/// The program that a process runs: dltrain itself, or a user's own with a model in Swift.
package struct Program: Sendable {
  /// The name by which it is started, as messages show it in commands.
  package let name: String
  /// Makes what is trained; nil for the configuration's model with the task that fits it.
  package let task: TaskFactory?
  /// The configuration as YAML where no CONFIG is named; nil for the recipe `digits`.
  package let defaults: String?

  /// dltrain itself.
  package static let dltrain = Program(name: "dltrain", task: nil, defaults: nil)

  /// Describes a program with a task of its own.
  ///
  /// - Parameters:
  ///   - defaults: the configuration as YAML where no CONFIG is named; `model` may be left out.
  ///   - task: makes each rank's task.
  package static func own(defaults: String, task: @escaping TaskFactory) -> Program {
    Program(name: CommandLine.arguments[0], task: task, defaults: defaults)
  }

  /// The keys of a configuration that the program itself provides.
  package var suppliedKeys: Set<String> { task == nil ? [] : ["model"] }
}
