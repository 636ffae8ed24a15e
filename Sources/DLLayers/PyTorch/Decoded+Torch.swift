import DLTensor

extension CRF: BuiltInTorchLayer {
  /// The scores of single tags as they are, beside the weights of paths.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    program.define(
      "CRF",
      """
      class CRF(nn.Module):
          \"""Hands the scores of single tags on; the best path is the caller's to find.\"""

          def __init__(self, tags):
              super().__init__()
              self.transitions = nn.Parameter(torch.zeros(tags, tags))
              self.start_transitions = nn.Parameter(torch.zeros(tags))
              self.end_transitions = nn.Parameter(torch.zeros(tags))

          def forward(self, x):
              return x
      """)
    return .call("CRF", ["\(startTransitions.shape[0])"])
  }
}

extension DetectionHead: BuiltInTorchLayer {
  /// `nn.Identity()`: the scores and offsets of all anchors as they are.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    "nn.Identity()"
  }
}
