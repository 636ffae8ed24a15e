import DLLayers
import DLTensor

extension VisionTransformer: BuiltInTorchLayer {
  /// Classes with torchvision's names.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    program.define("EncoderBlock", Self.torchBlock)
    program.define("VisionTransformer", Self.torchNetwork)
    let (channels, patch) = (input[2], options.patch)
    return .call(
      "VisionTransformer",
      [
        "\(channels)", "\(patch)", "\(input[0] / patch * (input[1] / patch))", "\(classes)",
        "\(options.layers)", "\(options.width)", "\(options.heads)",
        "\(options.feedForward ?? 4 * options.width)",
      ], ["dropout": .number(options.dropout, unless: 0)])
  }

  private static let torchBlock = """
    class EncoderBlock(nn.Module):
        \"""Attention and a feed-forward network, each behind a normalization.\"""

        def __init__(self, width, heads, inner, dropout):
            super().__init__()
            self.ln_1 = nn.LayerNorm(width, eps=1e-6)
            self.self_attention = nn.MultiheadAttention(width, heads, batch_first=True)
            self.dropout = nn.Dropout(dropout)
            self.ln_2 = nn.LayerNorm(width, eps=1e-6)
            self.mlp = nn.Sequential(
                nn.Linear(width, inner),
                nn.GELU(),
                nn.Dropout(dropout),
                nn.Linear(inner, width),
                nn.Dropout(dropout),
            )

        def forward(self, x):
            y = self.ln_1(x)
            x = x + self.dropout(self.self_attention(y, y, y, need_weights=False)[0])
            return x + self.mlp(self.ln_2(x))
    """

  private static let torchNetwork = """
    class VisionTransformer(nn.Module):
        \"""A Transformer over the patches of an image (Dosovitskiy et al. 2021).\"""

        def __init__(
            self, channels, patch, patches, classes, layers, width, heads, inner, dropout=0.0
        ):
            super().__init__()
            self.class_token = nn.Parameter(torch.zeros(1, 1, width))
            self.conv_proj = nn.Conv2d(channels, width, patch, patch)
            self.encoder = nn.Module()
            self.encoder.pos_embedding = nn.Parameter(torch.zeros(1, patches + 1, width))
            self.encoder.layers = nn.Sequential()
            for index in range(layers):
                block = EncoderBlock(width, heads, inner, dropout)
                self.encoder.layers.add_module(f"encoder_layer_{index}", block)
            self.encoder.ln = nn.LayerNorm(width, eps=1e-6)
            self.dropout = nn.Dropout(dropout)
            self.heads = nn.ModuleDict({"head": nn.Linear(width, classes)})

        def forward(self, x):
            patches = self.conv_proj(x).flatten(2).transpose(1, 2)
            x = torch.cat([self.class_token.expand(len(x), -1, -1), patches], 1)
            x = self.encoder.layers(self.dropout(x + self.encoder.pos_embedding))
            return self.heads["head"](self.encoder.ln(x)[:, 0])
    """
}
