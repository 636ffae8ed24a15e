import DLTensor

// Rows that end: a tensor carries the lengths of its rows as an attribute, as tensors do here.
extension TorchProgram {
  /// True if modules ask where rows end.
  package var tellsEnds: Bool { defines("ends") }

  /// Defines what the modules below need: lengths that go along with a tensor.
  package func defineEnds() {
    define(
      "ends",
      """
      def ends(x):
          \"""The lengths of the rows of x [batch, length, ...]; None where all are whole.\"""
          return getattr(x, "lengths", None)


      def ended(x, lengths):
          \"""x, whose rows end behind so many positions; None for no end.\"""
          x = x.view_as(x)
          if lengths is not None:
              x.lengths = lengths
          return x


      def filled(x, value=0.0):
          \"""x with a value behind the ends of its rows.\"""
          if ends(x) is None:
              return x
          behind = torch.arange(x.shape[1]) >= ends(x)[:, None]
          behind = behind.view(*behind.shape, *[1] * (x.dim() - 2))
          return ended(x.masked_fill(behind, value), ends(x))
      """)
  }

  /// The name of an embedding that notes where rows end.
  func paddedEmbedding() -> String {
    defineEnds()
    define(
      "PaddedEmbedding",
      """
      class PaddedEmbedding(nn.Embedding):
          \"""An embedding that notes where rows of tokens end: where their padding begins.\"""

          def forward(self, x):
              if ends(x) is None:
                  places = torch.arange(1, x.shape[1] + 1)
                  x.lengths = ((x != self.padding_idx) * places).amax(1)
              return ended(super().forward(x), ends(x))
      """)
    return "PaddedEmbedding"
  }

  /// The name of a chain: one that hands on where rows end, if they do.
  package var chainName: String {
    guard rowsEnd else { return "nn.Sequential" }
    defineEnds()
    define(
      "Chain",
      """
      class Chain(nn.Sequential):
          \"""Modules one after the other, which are told where rows end.\"""

          def forward(self, x):
              for module in self:
                  y = module(x)
                  if not hasattr(y, "lengths") and not isinstance(module, Chain):
                      if y.dim() > 2 and y.shape[1] == x.shape[1]:
                          y = ended(y, ends(x))
                  x = y
              return x
      """)
    return "Chain"
  }

  /// A module whose windows over a sequence see `fill` behind the ends of rows.
  ///
  /// - Parameter extra: the window's padding less its reach, and its stride.
  func withinRows(_ module: String, _ window: Window2d, fill: String? = nil) throws -> String {
    guard rowsEnd else { return module }
    defineEnds()
    define(
      "within_rows",
      """
      def within_rows(module, extra, stride, fill=0.0):
          \"""`module` for rows that end; extra is its padding less the reach of its window.\"""

          class WithinRows(module):
              def forward(self, x):
                  y = super().forward(filled(x, fill))
                  if ends(x) is None:
                      return y
                  windows = (ends(x) + extra).clamp(min=0) // stride + 1
                  y = ended(y, windows.clamp(max=y.shape[1]) * (ends(x) > 0))
                  return filled(y) if fill else y

          return WithinRows
      """)
    let sides = try window.sides(op: "padding")
    let extra = sides.left + sides.right - window.reach.width
    let rest = fill.map { ", \($0)" } ?? ""
    return "within_rows(\(module), \(extra), \(window.stride.width)\(rest))"
  }

  /// A module that takes each row without what is behind its end, and gives as much for any length.
  func rowByRow(_ module: String) -> String {
    guard rowsEnd else { return module }
    defineEnds()
    define(
      "row_by_row",
      """
      def row_by_row(module):
          \"""`module` over each row up to its end, a position at least.\"""

          class RowByRow(module):
              def forward(self, x):
                  if ends(x) is None:
                      return super().forward(x)
                  rows = []
                  for row, length in zip(x, ends(x).clamp(min=1).tolist()):
                      rows.append(super().forward(row[None, :length]))
                  y = torch.cat(rows)
                  y.lengths = None
                  return y

          return RowByRow
      """)
    return "row_by_row(\(module))"
  }

  /// A group normalization over the positions that each row has.
  func endedNorm(groups: Int, channels: Int, eps: Double, affine: Bool) -> TorchExpression {
    defineEnds()
    define(
      "EndedNorm",
      """
      class EndedNorm(nn.Module):
          \"""Normalizes groups of channels over the positions that each row has.\"""

          def __init__(self, groups, channels, eps=1e-5, affine=True):
              super().__init__()
              self.groups, self.eps = groups, eps
              self.weight = nn.Parameter(torch.ones(channels)) if affine else None
              self.bias = nn.Parameter(torch.zeros(channels)) if affine else None

          def forward(self, x):
              lengths = [x.shape[1]] * len(x) if ends(x) is None else ends(x).tolist()
              y = torch.zeros_like(x)
              for row, length in enumerate(lengths):
                  if length:
                      values = x[row : row + 1, :length].transpose(1, 2)
                      values = torch.group_norm(
                          values, self.groups, self.weight, self.bias, self.eps
                      )
                      y[row, :length] = values[0].T
              return y
      """)
    return .call(
      "EndedNorm", ["\(groups)", "\(channels)"],
      ["eps": .number(eps, unless: 1e-5), "affine": .flag(affine, unless: true)])
  }

  /// The code for the mean of a sequence over the positions that each row has.
  package func endedMean(_ sequence: String) -> String {
    endedPool("GlobalAvgPool").text(indent: 0) + "(\(sequence))"
  }

  /// A pooling of all positions that each row has.
  func endedPool(_ name: String) -> TorchExpression {
    defineEnds()
    let isMean = name == "GlobalAvgPool"
    define(
      "Ended" + name,
      """
      class Ended\(name)(nn.Module):
          \"""The \(isMean ? "mean" : "largest value") of each channel over the positions of a row.\"""

          def forward(self, x):
              if ends(x) is None:
                  return x.\(isMean ? "mean" : "amax")(1)
              lengths = ends(x).clamp(min=1)
              \(isMean
                ? "return filled(x).sum(1) / lengths[:, None]"
                : "return filled(ended(x, lengths), -torch.inf).amax(1)")
      """)
    return "Ended\(name)()"
  }
}
