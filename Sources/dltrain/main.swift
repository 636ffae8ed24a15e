import DLTraining
import DLCluster
let args = CommandLine.arguments
let ranks = Int(args[1])!
let configuration = try Configuration.load(path: args[2], overrides: Array(args.dropFirst(3)))
final class Print: TrainingObserver {
  func didValidate(_ r: ValidationReport) { print(r) }
  func didTrain(_ r: RunReport) { print(r) }
}
_ = try ThreadGroup.run(ranks: ranks) { comm in
  try Trainer(configuration, communicator: comm, observers: [Print()], report: { print($0) }).run()
}
