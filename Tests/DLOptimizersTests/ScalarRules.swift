import Foundation

/// The rules once more, an element at a time in double and in the textbook's order, as an oracle.
struct ScalarSGD {
  var learningRate, momentum, weightDecay: Double
  var nesterov: Bool
  var buffer: Double?

  mutating func step(_ parameter: inout Double, _ gradient: Double) {
    var direction = gradient + weightDecay * parameter
    if momentum != 0 {
      let next = buffer.map { momentum * $0 + direction } ?? direction
      buffer = next
      direction = nesterov ? direction + momentum * next : next
    }
    parameter -= learningRate * direction
  }
}

struct ScalarAdam {
  var learningRate, beta1, beta2, epsilon, weightDecay: Double
  var decoupled: Bool
  var first = 0.0
  var second = 0.0
  var count = 0

  mutating func step(_ parameter: inout Double, _ gradient: Double) {
    count += 1
    var gradient = gradient
    if decoupled {
      parameter -= learningRate * weightDecay * parameter
    } else {
      gradient += weightDecay * parameter
    }
    first = beta1 * first + (1 - beta1) * gradient
    second = beta2 * second + (1 - beta2) * gradient * gradient
    let unbiasedFirst = first / (1 - pow(beta1, Double(count)))
    let unbiasedSecond = second / (1 - pow(beta2, Double(count)))
    parameter -= learningRate * unbiasedFirst / (unbiasedSecond.squareRoot() + epsilon)
  }
}
