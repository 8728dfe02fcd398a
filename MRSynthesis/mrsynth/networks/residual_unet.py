"""The default generator: a residual U-Net for stacks of slices thicker than their pixels."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.1  # of LeakyReLU


class ResidualBlock(nn.Module):
    """Two convolutions added to their input: one within slices, one that may look across them.

    Without normalisation layers the block starts near the identity by a small learned gain (after Zhang et al., "Fixup
    Initialization", 2019), and what it computes does not depend on the other patches of a batch.
    """

    def __init__(self, channels: int, across_slices: bool) -> None:
        super().__init__()
        depth = 3 if across_slices else 1
        self.within = nn.Conv3d(channels, channels, (3, 3, 1), padding=(1, 1, 0))
        self.across = nn.Conv3d(channels, channels, (3, 3, depth), padding=(1, 1, depth // 2))
        self.gain = nn.Parameter(torch.tensor(0.2))

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.within(F.leaky_relu(x, SLOPE))
        return x + self.gain * self.across(F.leaky_relu(hidden, SLOPE))


class ResidualUNet(nn.Module):
    """An anisotropic 3D U-Net (Ronneberger et al. 2015, Çiçek et al. 2016) that learns a correction to its input.

    In-plane resolution is halved at every level, slice resolution only where ``slice_strides`` says so, since slices
    are several times thicker than pixels. The output is ``skip * input + correction`` with a learned ``skip`` and a
    correction that starts at zero. With ``fold`` the finest level works on blocks of pixels laid into channels (after
    Shi et al., "Real-Time Single Image and Video Super-Resolution", 2016): it sees more at a fraction of the work.

    Args:
        widths: Channels of each level, finest first.
        blocks: Residual blocks of each level on the way down; the way up has one fewer, at least one.
        slice_strides: Stride along the slices from each level to the next.
        fold: In-plane pixels along each side of a block that become channels; 1 folds nothing.
        nonnegative: Whether evaluation clips the output at zero (air, for intensities that are divided by a scale).

    Attributes:
        size_multiple: What each axis of an input must be a multiple of.
    """

    def __init__(
        self,
        widths: Sequence[int] = (16, 24, 48, 96),
        blocks: Sequence[int] = (1, 1, 2, 2),
        slice_strides: Sequence[int] = (1, 1, 2),
        fold: int = 1,
        nonnegative: bool = True,
    ) -> None:
        super().__init__()
        if fold < 1:
            raise ValueError(f"expected a fold of at least 1, found {fold}")
        if not len(widths) == len(blocks) == len(slice_strides) + 1:
            raise ValueError(
                "expected as many widths as blocks and one slice stride fewer, "
                f"found {len(widths)}, {len(blocks)} and {len(slice_strides)}"
            )
        self.fold, self.nonnegative = fold, nonnegative
        steps = list(zip(widths[:-1], widths[1:], [(2, 2, s) for s in slice_strides], strict=True))
        self.size_multiple = _product([(fold, fold, 1)] + [stride for *_, stride in steps])
        self.stem = nn.Conv3d(fold**2, widths[0], (3, 3, 1), padding=(1, 1, 0))
        self.encoders = nn.ModuleList(
            _level(width, count, across_slices=level > 0)
            for level, (width, count) in enumerate(zip(widths, blocks, strict=True))
        )
        self.downs = nn.ModuleList(nn.Conv3d(fine, coarse, s, s) for fine, coarse, s in steps)
        self.ups = nn.ModuleList(nn.ConvTranspose3d(coarse, fine, s, s) for fine, coarse, s in steps)
        self.fusions = nn.ModuleList(nn.Conv3d(2 * fine, fine, 1) for fine, *_ in steps)
        self.decoders = nn.ModuleList(
            _level(width, max(1, count - 1), across_slices=level > 0)
            for level, (width, count) in enumerate(zip(widths[:-1], blocks[:-1], strict=True))
        )
        self.head = nn.Conv3d(widths[0], fold**2, (3, 3, 1), padding=(1, 1, 0))
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.skip = nn.Parameter(torch.tensor(0.5))

    def forward(self, x: Tensor) -> Tensor:
        """Map a source to a target, both (N, 1, in-plane, in-plane, slice), sizes multiples of ``size_multiple``."""
        hidden = self.encoders[0](self.stem(_folded(x, self.fold)))  # (N, widths[0], X / fold, Y / fold, Z)
        shortcuts = []
        for down, encoder in zip(self.downs, self.encoders[1:], strict=True):
            shortcuts.append(hidden)
            hidden = encoder(down(F.leaky_relu(hidden, SLOPE)))  # (N, widths[level], ...), sides halved
        for level in reversed(range(len(self.ups))):
            coarse = self.ups[level](F.leaky_relu(hidden, SLOPE))
            hidden = self.decoders[level](self.fusions[level](torch.cat([coarse, shortcuts.pop()], dim=1)))
        result = self.skip * x + _unfolded(self.head(F.leaky_relu(hidden, SLOPE)), self.fold)
        return result.clamp(min=0) if self.nonnegative and not self.training else result


def _level(channels: int, blocks: int, across_slices: bool) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(channels, across_slices) for _ in range(blocks)))


def _product(strides: Sequence[tuple[int, int, int]]) -> tuple[int, int, int]:
    product = [1, 1, 1]
    for stride in strides:
        product = [p * s for p, s in zip(product, stride, strict=True)]
    return tuple(product)


def _folded(x: Tensor, fold: int) -> Tensor:
    """Lay blocks of fold x fold pixels into channels: (N, 1, X, Y, Z) to (N, fold^2, X / fold, Y / fold, Z)."""
    if fold == 1:
        return x
    blocks = x[:, 0].unflatten(2, (-1, fold)).unflatten(1, (-1, fold))  # (N, X / fold, fold, Y / fold, fold, Z)
    channels = blocks.permute(0, 2, 4, 1, 3, 5).flatten(1, 2)
    return channels.contiguous(memory_format=torch.channels_last_3d)


def _unfolded(channels: Tensor, fold: int) -> Tensor:
    """Undo `_folded`."""
    blocks = channels.unflatten(1, (fold, fold)).permute(0, 3, 1, 4, 2, 5)  # (N, X / fold, fold, Y / fold, fold, Z)
    return blocks.flatten(3, 4).flatten(1, 2)[:, None]
