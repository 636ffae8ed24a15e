import DLTensor

/// An op at one shape and in one direction.
struct OpCase: Sendable {
  let op: String
  let shape: String
  /// The direction: forward, backward, or the gradient of one input.
  let pass: String
  /// Products that are added up; 0 for an op that is none of products.
  let multiplyAdds: Int
  /// Gets the op ready in a context.
  let make: @Sendable (Context) throws -> OpCall

  /// The text in which `--filter` looks for words.
  var title: String { "\(op) \(shape) \(pass)" }
}

/// An op that is ready to be called again and again.
struct OpCall {
  /// The least that a call moves.
  let bytes: Int
  /// The work before each call that is not measured.
  let prepare: () throws -> Void
  let run: () throws -> Void

  init(bytes: Int, prepare: @escaping () throws -> Void = {}, run: @escaping () throws -> Void) {
    self.bytes = bytes
    self.prepare = prepare
    self.run = run
  }
}

/// Some inputs of an op by which it is differentiated.
struct Wanted: Sendable {
  let pass: String
  let inputs: Set<Int>

  static func backward(_ count: Int) -> Wanted { Wanted(pass: "backward", inputs: Set(0..<count)) }
  static let data = Wanted(pass: "data gradient", inputs: [0])
  static let weight = Wanted(pass: "weight gradient", inputs: [1])
}

extension OpCase {
  /// An op forward, and backward by some of its inputs at a time.
  ///
  /// - Parameters:
  ///   - multiplyAdds: those of the forward pass, as many as the gradient of one input takes.
  ///   - inputs: the first is what comes from the layer before, the others are parameters.
  ///   - wanted: which gradients are taken together.
  static func both(
    _ op: String, _ shape: String, multiplyAdds: Int = 0, inputs: [Shape], wanted: [Wanted],
    _ body: @escaping @Sendable ([Tensor]) throws -> Tensor
  ) -> [OpCase] {
    let forward = OpCase(op: op, shape: shape, pass: "forward", multiplyAdds: multiplyAdds) {
      let tensors = try inputs.map(filled(in: $0))
      let y = try body(tensors)
      return OpCall(bytes: tensors.reduce(y.byteCount) { $0 + $1.byteCount }) {
        _ = try body(tensors)
      }
    }
    return [forward]
      + wanted.map { wanted in
        // Both gradients of a product together are two of them.
        let products = max(min(wanted.inputs.count, 2), 1) * multiplyAdds
        return OpCase(op: op, shape: shape, pass: wanted.pass, multiplyAdds: products) {
          try backward(inputs, wanted, body, in: $0)
        }
      }
  }

  private static func backward(
    _ shapes: [Shape], _ wanted: Wanted, _ body: @escaping ([Tensor]) throws -> Tensor,
    in context: Context
  ) throws -> OpCall {
    let tensors = try shapes.map(filled(in: context))
    for (index, tensor) in tensors.enumerated() where index > 0 && wanted.inputs.contains(index) {
      tensor.bindGradient(try .zeros(tensor.shape, context: context))
    }
    let size = try body(tensors).byteCount
    let bytes = tensors.enumerated().reduce(size) {
      $0 + $1.element.byteCount * (wanted.inputs.contains($1.offset) ? 2 : 1)
    }
    var (y, gradient): (Tensor?, Tensor?)
    return OpCall(bytes: bytes) {
      for tensor in tensors { tensor.resetGradient() }
      var inputs = tensors
      if wanted.inputs.contains(0) {
        // As between layers, the gradient goes to memory that nothing has been added to.
        inputs[0] = tensors[0].detached().requiringGradient()
      }
      let output = try context.recording { try body(inputs) }
      y = output
      gradient = try .full(output.shape, 1, dtype: output.dtype, context: context)
    } run: {
      if let y, let gradient { try context.backward(from: y, gradient: gradient) }
      (y, gradient) = (nil, nil)
    }
  }

  /// Makes tensors of numbers that are neither all alike nor large.
  static func filled(in context: Context) -> (Shape) throws -> Tensor {
    { shape in
      let result = try Tensor.empty(shape, context: context)
      let pointer = result.pointer.assumingMemoryBound(to: Float.self)
      for index in 0..<result.count { pointer[index] = Float(index % 17 - 8) / 16 }
      return result
    }
  }
}
