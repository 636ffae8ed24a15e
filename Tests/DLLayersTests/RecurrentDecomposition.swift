import DLLayers
import DLTensor

/// A recurrent cell written out in plain ops, one gate and one step at a time, to compare the fused
/// one with.
///
/// Each gate has a weight and a bias of its own, in the order of PyTorch's rows.
struct PlainCell {
  let cell: RecurrentCell
  var input: [Tensor]
  var hidden: [Tensor]
  var inputBias: [Tensor]
  var hiddenBias: [Tensor]

  /// The state after a step.
  func step(_ x: Tensor, _ h: Tensor, _ c: Tensor?) throws -> (h: Tensor, c: Tensor?) {
    func fromInput(_ gate: Int) throws -> Tensor {
      try x.linear(input[gate], bias: inputBias[gate])
    }
    func fromState(_ gate: Int) throws -> Tensor {
      try h.linear(hidden[gate], bias: hiddenBias[gate])
    }
    func sum(_ gate: Int) throws -> Tensor { try fromInput(gate) + fromState(gate) }
    switch cell {
    case .tanh: return (try sum(0).tanh(), nil)
    case .relu: return (try sum(0).relu(), nil)
    case .lstm:
      let (i, f) = (try sum(0).sigmoid(), try sum(1).sigmoid())
      let (g, o) = (try sum(2).tanh(), try sum(3).sigmoid())
      var next = try i * g
      if let c { next = try f * c + next }
      return (try o * next.tanh(), next)
    case .gru:
      let (r, z) = (try sum(0).sigmoid(), try sum(1).sigmoid())
      let n = try (fromInput(2) + r * fromState(2)).tanh()
      return (try n - z * n + z * h, nil)
    }
  }
}
