import CKernels
import DLCluster
import DLCore

extension Tensor {
  /// Connectionist temporal classification: `-Σ log p(labels | x)` over rows; a scalar.
  ///
  /// This tensor holds log probabilities, as ``logSoftmax()`` gives them. The probability of a row's
  /// labels is that of all paths that give them when repetitions are merged and blanks taken out,
  /// summed in float64. As in PyTorch, the gradient is that by the inputs of the log-softmax, which
  /// its backward leaves as it is. Graves et al. 2006. Counterpart: `torch.nn.functional.ctc_loss`,
  /// `reduction="sum"`.
  ///
  /// Shapes: `[batch, time, classes]`; targets int32 `[batch, labels]`, the rows padded with
  /// anything; lengths int32 `[batch]`, full unless given. A row whose labels do not fit into its
  /// time steps has an infinite loss and NaN gradients, or 0 for both with `zeroInfinity`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit, a length out of range, or a label that is
  ///   not a class or is the blank.
  package func ctcSum(
    targets: Tensor, inputLengths: Tensor? = nil, targetLengths: Tensor? = nil, blank: Int = 0,
    zeroInfinity: Bool = false
  ) throws -> Tensor {
    try requireReal(op: "ctc")
    guard shape.rank == 3, targets.shape.rank == 2, targets.shape[0] == shape[0],
      targets.dtype == .int32, targets.shape[1] < Int32.max
    else {
      throw TensorError(
        op: "ctc",
        "input has shape \(shape), targets \(targets.dtype) \(targets.shape); expected "
          + "[batch, time, classes] and int32 [batch, labels]")
    }
    let (rows, time, classes, width) = (shape[0], shape[1], shape[2], targets.shape[1])
    guard (0..<classes).contains(blank) else {
      throw TensorError(
        op: "ctc", "blank is \(blank), input has \(counted(classes, "class", "classes"))")
    }
    try requireLengths("ctc", inputLengths, rows, upTo: time)
    try requireLengths("ctc", targetLengths, rows, upTo: width)
    let problem = dl_ctc_problem(
      rows: rows, steps: time, classes: classes, width: width, targets: targets.int32s,
      input_lengths: inputLengths?.int32s, target_lengths: targetLengths?.int32s,
      blank: Int32(blank))
    let alpha = try Tensor.empty([rows, time, 2 * width + 1], dtype: .float64, context: context)
    let losses = try Tensor.empty([rows], dtype: .float64, context: context)
    let wrong = dl_ctc_forward(dtype.kernel, problem, pointer, alpha.float64s, losses.float64s)
    guard wrong < 0 else {
      let label = targets.int32s[wrong]
      let fault = Int(label) == blank ? "is the blank" : "is not in 0 ..< \(classes)"
      throw TensorError(
        op: "ctc", "label \(label) of row \(wrong / width) \(fault)", exitCode: .data)
    }
    let sum = losses.doubles.reduce(0) { $0 + (zeroInfinity && $1 == .infinity ? 0 : $1) }
    return try lossSum(sum) { [self] scale in
      let scratch = try Tensor.empty(
        [2 * (2 * width + 1) + classes], dtype: .float64, context: context)
      try addGradient { [targets, inputLengths, targetLengths] dx, accumulate in
        withExtendedLifetime((targets, inputLengths, targetLengths)) {
          dl_ctc_backward(
            dtype.kernel, problem, pointer, alpha.float64s, losses.float64s, scale,
            zeroInfinity ? 1 : 0, dx, accumulate, scratch.float64s)
        }
      }
    }
  }

  /// Checks that each row of labels int32 `[rows, labels]`, which end where the blank first stands, has
  /// a time step for every label and one between two equal ones.
  ///
  /// - Parameters:
  ///   - counts: the labels of each row, int32 `[rows]`.
  ///   - lengths: the time steps of each row, int32 `[rows]`.
  /// - Throws: ``TensorError`` that names the first row for which it has not.
  package func requireCTCRoom(_ counts: Tensor, in lengths: Tensor, blank: Int) throws {
    let (rows, width) = (shape[0], shape[1])
    let misfit = (0..<rows).first { row in
      dl_first_ctc_misfit(
        int32s + row * width, 1, Int(counts.int32s[row]), Int32(blank),
        Int(lengths.int32s[row])) == 0
    }
    guard let misfit else { return }
    throw TensorError(
      op: "ctc",
      "row \(misfit) of the batch: its labels do not fit into the "
        + "\(counted(Int(lengths.int32s[misfit]), "time step")) of its length, one for each label and "
        + "one between equal ones: their loss is infinite; give longer inputs, or leave such rows "
        + "out of the loss by ctc: {zero_infinity: true}", exitCode: .data)
  }

  /// The number of labels before the first that equals `end`, in each row of int32 `[rows, labels]`.
  ///
  /// - Throws: ``TensorError`` for another shape or type.
  package func lengths(until end: Int) throws -> Tensor {
    guard dtype == .int32, shape.rank == 2 else {
      throw TensorError(
        op: "lengths", "labels are \(dtype) \(shape), expected int32 [rows, labels]")
    }
    let (rows, width) = (shape[0], shape[1])
    return try Tensor.labels(
      (0..<rows).map { row in
        let labels = UnsafeBufferPointer(start: int32s + row * width, count: width)
        return Int32(labels.firstIndex { Int($0) == end } ?? width)
      }, context: context)
  }
}
