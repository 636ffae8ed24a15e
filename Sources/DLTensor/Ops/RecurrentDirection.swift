import CKernels
import Glibc

/// One direction of a recurrent layer: the states of all time steps, and what their gradient needs.
final class RecurrentDirection {
  private let cell: RecurrentCell
  private let x: Tensor
  private let weights: RecurrentWeights
  private let lengths: Tensor?
  private let reversed: Bool
  private let time: Int
  private let batch: Int
  private let hidden: Int
  private let bytes: Int
  /// The gates, `[time, batch, gates · hidden]`; in the backward pass their gradients.
  private let gates: Tensor
  /// `[time + 1, batch, hidden]`: the states before and after each step, in the order of time, so
  /// that the first is at the end when the direction is reversed.
  private let states: Tensor
  private let cells: Tensor?
  /// A GRU's product of state and weight for its candidate, `[time, batch, hidden]`.
  private let candidates: Tensor?
  /// A GRU's gradient of the product of state and weight.
  private var productGradient: Tensor?

  init(
    _ cell: RecurrentCell, _ x: Tensor, _ weights: RecurrentWeights, _ lengths: Tensor?,
    reversed: Bool
  ) throws {
    self.cell = cell
    self.x = x
    self.weights = weights
    self.lengths = lengths
    self.reversed = reversed
    (time, batch, hidden) = (x.shape[0], x.shape[1], weights.hidden.shape[1])
    bytes = x.dtype.byteCount
    func empty(_ shape: Shape) throws -> Tensor {
      try Tensor.empty(shape, dtype: x.dtype, context: x.context)
    }
    gates = try empty([time, batch, cell.gates * hidden])
    states = try empty([time + 1, batch, hidden])
    cells = cell == .lstm ? try empty([time + 1, batch, hidden]) : nil
    candidates = cell == .gru ? try empty([time, batch, hidden]) : nil
  }

  /// The states after each step as a tensor `[time, batch, hidden]` over the same memory.
  var outputs: Tensor { states.view([time, batch, hidden], from: reversed ? 0 : batch * hidden) }

  /// Runs through all steps; `output` with rows `stride` elements apart takes each row's outputs.
  func forward(
    from initial: UnsafeRawPointer?, cell initialCell: UnsafeRawPointer?,
    output: UnsafeMutableRawPointer?, stride: Int
  ) throws {
    let (dtype, width, features) = (x.dtype, cell.gates * hidden, x.shape[2])
    for (slots, start) in [(states, initial), (cells, initialCell)] {
      guard let slots else { continue }
      let first = slots.pointer + (reversed ? time : 0) * plane
      if let start { memcpy(first, start, plane) } else { memset(first, 0, plane) }
    }
    gemm(
      x.productType, transposeB: true, m: time * batch, n: width, k: features, x.pointer,
      lda: features,
      weights.input.pointer, ldb: features, beta: 0, gates.pointer, ldc: width)
    let (bias, hiddenBias) = try biases()
    let product =
      cell == .gru ? try Tensor.empty([batch, width], dtype: dtype, context: x.context) : nil
    let weight = try RepeatedOperand(
      weights.hidden, transposed: true, n: width, k: hidden, leading: hidden)
    for index in 0..<time {
      let step = reversed ? time - 1 - index : index
      let before = self.before(step)
      let after = self.after(step)
      let gates = self.gates.pointer + step * batch * width * bytes
      let y = output.map { $0 + step * batch * stride * bytes }
      weight.product(
        m: batch, states.pointer + before, lda: hidden, accumulate: product == nil,
        product?.pointer ?? gates, ldc: width)
      let description = self.description(step, stride)
      if let cells {
        dl_lstm_forward(
          dtype.kernel, description, gates, bias.pointer, states.pointer + before,
          cells.pointer + before, states.pointer + after, cells.pointer + after, y)
      } else if let product, let candidates {
        dl_gru_forward(
          dtype.kernel, description, gates, bias.pointer, product.pointer, hiddenBias.pointer,
          states.pointer + before, candidates.pointer + step * plane, states.pointer + after, y)
      } else {
        dl_rnn_forward(
          dtype.kernel, description, cell == .relu ? 1 : 0, gates, bias.pointer,
          states.pointer + before, states.pointer + after, y)
      }
    }
  }

  /// Copies the state after the last step.
  func copyFinal(to target: UnsafeMutableRawPointer) {
    memcpy(target, states.pointer + (reversed ? 0 : time) * plane, plane)
  }

  /// Copies the cell state after the last step.
  func copyFinalCell(to target: UnsafeMutableRawPointer) {
    guard let cells else { return }
    memcpy(target, cells.pointer + (reversed ? 0 : time) * plane, plane)
  }

  /// Turns gates into their gradients; `dh` and `dc` go in as the final state's gradients and come
  /// out as the initial state's.
  func backward(
    _ dy: UnsafeRawPointer, stride: Int, dh: UnsafeMutableRawPointer, dc: UnsafeMutableRawPointer?
  ) throws {
    let (dtype, width) = (x.dtype, cell.gates * hidden)
    let products =
      cell == .gru ? try Tensor.empty(gates.shape, dtype: dtype, context: x.context) : nil
    productGradient = products
    let weight = try RepeatedOperand(weights.hidden, n: hidden, k: width, leading: hidden)
    for index in 0..<time {
      let step = reversed ? index : time - 1 - index
      let before = self.before(step)
      let after = self.after(step)
      let offset = step * batch * width * bytes
      let gates = self.gates.pointer + offset
      let dyStep = dy + step * batch * stride * bytes
      let description = self.description(step, stride)
      if let cells, let dc {
        dl_lstm_backward(
          dtype.kernel, description, gates, cells.pointer + before, cells.pointer + after, dyStep,
          dh, dc)
      } else if let products, let candidates {
        dl_gru_backward(
          dtype.kernel, description, gates, candidates.pointer + step * plane,
          states.pointer + before, dyStep, dh, products.pointer + offset)
      } else {
        dl_rnn_backward(
          dtype.kernel, description, cell == .relu ? 1 : 0, states.pointer + after, dyStep, dh,
          gates)
      }
      weight.product(
        m: batch, products.map { $0.pointer + offset } ?? gates, lda: width, accumulate: true, dh,
        ldc: hidden)
    }
  }

  /// Adds the input's gradient of all steps, after ``backward(_:stride:dh:dc:)``.
  func addInputGradient(to dx: UnsafeMutableRawPointer, accumulate: Int32) {
    let (width, features) = (cell.gates * hidden, x.shape[2])
    gemm(
      x.productType, m: time * batch, n: features, k: width, gates.pointer, lda: width,
      weights.input.pointer, ldb: features, beta: Double(accumulate), dx, ldc: features)
  }

  /// Adds the gradients of weights and biases, after ``backward(_:stride:dh:dc:)``.
  func addWeightGradients() throws {
    let (rows, width, features) = (time * batch, cell.gates * hidden, x.shape[2])
    let products = productGradient ?? gates
    try weights.input.addGradient { dw, accumulate in
      gemm(
        x.productType, transposeA: true, m: width, n: features, k: rows, gates.pointer, lda: width,
        x.pointer, ldb: features, beta: Double(accumulate), dw, ldc: features)
    }
    try weights.hidden.addGradient { dw, accumulate in
      gemm(
        x.productType, transposeA: true, m: width, n: hidden, k: rows, products.pointer, lda: width,
        states.pointer + (reversed ? plane : 0), ldb: hidden, beta: Double(accumulate), dw,
        ldc: hidden)
    }
    try weights.inputBias?.addColumnSums(gates, rows: rows)
    try weights.hiddenBias?.addColumnSums(products, rows: rows)
    productGradient = nil
  }

  private var plane: Int { batch * hidden * bytes }

  private func before(_ step: Int) -> Int { (reversed ? step + 1 : step) * plane }

  private func after(_ step: Int) -> Int { (reversed ? step : step + 1) * plane }

  private func description(_ step: Int, _ stride: Int) -> dl_recurrent_step {
    dl_recurrent_step(
      rows: batch, hidden: hidden, lengths: lengths?.int32s, time: Int32(step), stride: stride)
  }

  /// The biases of input and state; their sum and nothing for cells that only add them.
  private func biases() throws -> (Tensor, Tensor) {
    func bias(_ parts: Tensor?...) throws -> Tensor {
      let sum = try Tensor.zeros([cell.gates * hidden], dtype: x.dtype, context: x.context)
      for case let part? in parts {
        dl_axpy(x.dtype.kernel, 1, part.pointer, sum.pointer, sum.count)
      }
      return sum
    }
    guard cell == .gru else {
      let sum = try bias(weights.inputBias, weights.hiddenBias)
      return (sum, sum)
    }
    return (try bias(weights.inputBias), try bias(weights.hiddenBias))
  }
}
