import DLCluster
import DLConfiguration
import DLTensor

extension Configuration {
  /// The types that a job can compute in; with bfloat16 operands of products alone.
  package enum Precision: String, ConfigurationWord { case float32, float64, bfloat16 }
}

extension Configuration.Precision {
  /// The tensors' type.
  package var dtype: DType { self == .float64 ? .float64 : .float32 }

  /// A rank's context for tensors and products of this type.
  package func context(
    over communicator: any Communicator = SingleRank(), seed: UInt64
  ) -> Context {
    let context = Context(communicator: communicator, precision: dtype, seed: seed)
    context.roundsProducts = self == .bfloat16
    return context
  }

  /// Gradients are float32 but in float64.
  var demands: [Demand] {
    guard self == .float64 else { return [] }
    return [
      Demand(key: "precision", name: "precision: float64", precludes: [.float32Gradients])
    ]
  }
}
