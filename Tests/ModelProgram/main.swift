import DLTrain
import Glibc

/// What is to go wrong in a forward pass, for the tests of how runs end.
///
/// The variable `DLTRAIN_TROUBLE` says what: `fail:RANK:CALL` throws and `hang:RANK:CALL` stands still,
/// from that call of the rank's forward pass on, counted from 1.
private struct Trouble {
  let hangs: Bool
  let rank: Int
  let call: Int

  init?() {
    let words = getenv("DLTRAIN_TROUBLE").map { String(cString: $0).split(separator: ":") } ?? []
    guard words.count == 3, let rank = Int(words[1]), let call = Int(words[2]) else { return nil }
    (hangs, self.rank, self.call) = (words[0] == "hang", rank, call)
  }
}

/// An error that no other rank knows of.
private struct TroubleError: Error, CustomStringConvertible {
  let description: String
}

/// A small network for the digits, known to this program alone.
private final class Network: Module, Layer {
  let conv = Conv2d(inputChannels: 1, outputChannels: 4, kernelSize: 3, padding: 1)
  let norm = BatchNorm(features: 4)
  let head = Linear(inputFeatures: 4, outputFeatures: 10)
  private let trouble = Trouble()
  private var calls = 0

  func forward(_ x: Tensor) throws -> Tensor {
    calls += 1
    if let trouble, calls >= trouble.call, x.context.communicator.rank == trouble.rank {
      guard trouble.hangs else {
        throw TroubleError(description: "call \(calls) met its trouble")
      }
      let word = Array("hanging\n".utf8)
      write(STDERR_FILENO, word, word.count)
      while true { sleep(1) }
    }
    return try head(norm(conv(x)).relu().globalAvgPool2d())
  }
}

DataSources.register(Corners.self)

TrainingProgram.main(
  defaults: """
    name: model-program
    data: {train: embedded:digits-train, validation: embedded:digits-validation, normalize: {mean: [0.3], std: [0.37]}}
    optimizer: {name: sgd, lr: 0.1, momentum: 0.9}
    batch_size: 60
    epochs: 1
    """
) { _, _ in Network() }
