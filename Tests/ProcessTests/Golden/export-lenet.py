"""lenet5, step 3, as dltrain trained it.

    from model import load

    outputs = load()(x)
"""

from pathlib import Path

import torch
from safetensors.torch import load_model
from torch import nn


class Network(nn.Sequential):
    """float32 [batch, 28, 28, 1] to [batch, 10]."""

    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 6, 5, padding=2),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(400, 120),
            nn.ReLU(),
            nn.Linear(120, 84),
            nn.ReLU(),
            nn.Linear(84, 10),
        )

    def forward(self, x):
        x = (x - torch.tensor([0.1307])) / torch.tensor([0.3081])
        x = x.permute(0, 3, 1, 2)
        return super().forward(x)


def load(weights=Path(__file__).with_name("model.safetensors")):
    """The network with its trained weights, ready to predict."""
    network = Network()
    load_model(network, weights)
    return network.eval()
