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

        expansion = 1

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

  static let torchBottleneck = """
    class Bottleneck(nn.Module):
        \"""Convolutions of 1x1, 3x3 and 1x1, and the shortcut around them.\"""

        expansion = 4

        def __init__(self, channels, width, stride, projection):
            super().__init__()
            outputs = width * self.expansion
            self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(width)
            self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
            self.bn3 = nn.BatchNorm2d(outputs)
            self.downsample = None
            if stride != 1 or channels != outputs:
                self.downsample = nn.Sequential(
                    nn.Conv2d(channels, outputs, 1, stride, bias=False),
                    nn.BatchNorm2d(outputs),
                )

        def forward(self, x):
            y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())).relu()
            y = self.bn3(self.conv3(y))
            return (y + (self.downsample(x) if self.downsample else x)).relu()
    """

  static let torchNetwork = """
    class ResNet(nn.Module):
        \"""A residual network (He et al. 2016); large: for images of ImageNet's size.\"""

        def __init__(self, channels, classes, width, blocks, block, projection=False, large=False):
            super().__init__()
            kernel, stride = (7, 2) if large else (3, 1)
            self.conv1 = nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.maxpool = nn.MaxPool2d(3, 2, padding=1) if large else nn.Identity()
            inputs = width
            for index, count in enumerate(blocks):
                stage = nn.Sequential()
                for place in range(count):
                    stride = 2 if index and not place else 1
                    stage.append(block(inputs, width << index, stride, projection))
                    inputs = (width << index) * block.expansion
                self.add_module(f"layer{index + 1}", stage)
            self.count = len(blocks)
            self.fc = nn.Linear(inputs, classes)

        def forward(self, x):
            x = self.maxpool(self.bn1(self.conv1(x)).relu())
            for index in range(self.count):
                x = getattr(self, f"layer{index + 1}")(x)
            return self.fc(x.mean((2, 3)))
    """
}
