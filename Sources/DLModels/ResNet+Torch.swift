// PyTorch's words for a residual network, with torchvision's names of modules.
extension ResNet {
  static let torchBlock = """
    class PaddedShortcut(nn.Module):
        \"""Every `stride`-th pixel, with zeros for the channels that are new.\"""

        def __init__(self, new, stride):
            super().__init__()
            self.new, self.stride = new, stride

        def forward(self, x):
            return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new))


    class BasicBlock(nn.Module):
        \"""Two convolutions and the shortcut around them.\"""

        def __init__(self, channels, outputs, stride, projection):
            super().__init__()
            self.conv1 = nn.Conv2d(channels, outputs, 3, stride, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(outputs)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(outputs)
            self.downsample = None
            if stride != 1 or channels != outputs:
                self.downsample = nn.Sequential(PaddedShortcut(outputs - channels, stride))
                if projection:
                    self.downsample = nn.Sequential(
                        nn.Conv2d(channels, outputs, 1, stride, bias=False),
                        nn.BatchNorm2d(outputs),
                    )

        def forward(self, x):
            y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
            return (y + (self.downsample(x) if self.downsample else x)).relu()
    """

  static let torchNetwork = """
    class ResNet(nn.Module):
        \"""A residual network for small images (He et al. 2016, section 4.2).\"""

        def __init__(self, channels, classes, blocks, projection=False):
            super().__init__()

            def stage(inputs, outputs, stride):
                first = BasicBlock(inputs, outputs, stride, projection)
                rest = [BasicBlock(outputs, outputs, 1, projection) for _ in range(1, blocks)]
                return nn.Sequential(first, *rest)

            self.conv1 = nn.Conv2d(channels, 16, 3, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(16)
            self.layer1 = stage(16, 16, 1)
            self.layer2 = stage(16, 32, 2)
            self.layer3 = stage(32, 64, 2)
            self.fc = nn.Linear(64, classes)

        def forward(self, x):
            x = self.bn1(self.conv1(x)).relu()
            x = self.layer3(self.layer2(self.layer1(x)))
            return self.fc(x.mean((2, 3)))
    """
}
