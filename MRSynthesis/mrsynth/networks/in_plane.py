"""Convolutions that look at each slice by itself."""

from torch import Tensor, nn
from torch.nn import functional as F


class InPlaneConvolution(nn.Conv3d):
    """A 3D convolution of one tap along the slices: takes volumes, (N, C, X, Y, Z), or slices, (N, C, X, Y).

    PyTorch's 2D convolution does the same for slices, and is faster where they are few: it works along Y, not along Z.
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim == 5:
            return super().forward(x)
        return F.conv2d(x, self.weight[..., 0], self.bias, self.stride[:2], self.padding[:2])


class InPlaneTransposedConvolution(nn.ConvTranspose3d):
    """The same of a transposed convolution without padding."""

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim == 5:
            return super().forward(x)
        return F.conv_transpose2d(x, self.weight[..., 0], self.bias, self.stride[:2])
