"""The state_dict of a module that holds every layer with parameters, under PyTorch's names."""

import torch
from torch import nn

from golden import save
from make_networks import ClassToken, DenseBlock


class Everything(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.linear = nn.Linear(3, 4)
        self.conv1d = nn.Conv1d(4, 6, 3, groups=2)
        self.conv2d = nn.Conv2d(4, 6, (3, 2), groups=2)
        self.depthwise = nn.Conv2d(3, 3, 3, groups=3, bias=False)
        self.conv_transpose1d = nn.ConvTranspose1d(3, 4, 2)
        self.conv_transpose2d = nn.ConvTranspose2d(4, 6, (2, 3), groups=2)
        self.batch_norm = nn.BatchNorm2d(5)
        self.layer_norm = nn.LayerNorm((2, 3))
        self.group_norm = nn.GroupNorm(2, 4)
        self.instance_norm = nn.InstanceNorm2d(3, affine=True)
        self.rms_norm = nn.RMSNorm(4)
        self.prelu = nn.PReLU(3)
        self.rnn = nn.RNN(3, 4)
        self.lstm = nn.LSTM(3, 4, 2, bidirectional=True)
        self.gru = nn.GRU(3, 4, 2, bias=False)
        self.embedding = nn.Embedding(5, 4, padding_idx=0)
        self.embedding_bag = nn.EmbeddingBag(5, 3)
        self.attention = nn.MultiheadAttention(4, 2)
        self.cross_attention = nn.MultiheadAttention(4, 2, kdim=3, vdim=5)
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(4, 2, 6, norm_first=True), 1, nn.LayerNorm(4), enable_nested_tensor=False)
        self.decoder = nn.TransformerDecoderLayer(4, 2, 6)
        self.head = nn.Linear(4, 5, bias=False)
        self.head.weight = self.embedding.weight
        self.token = ClassToken(4)
        self.dense = DenseBlock(3, 2, 2, 4)
        self.blocks = nn.ModuleList([nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))])

    def scatter(self):
        """Draws everything anew: nothing that a fresh layer has of its own accord."""
        for tensor in self.state_dict().values():
            with torch.no_grad():
                tensor.copy_(torch.randn(tensor.shape) * 3 if tensor.is_floating_point() else torch.tensor(7))
        return self


if __name__ == "__main__":
    save("state_dict.safetensors", {name: value.numpy() for name, value in Everything().scatter().state_dict().items()})
