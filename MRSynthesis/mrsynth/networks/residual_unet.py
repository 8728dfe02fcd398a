"""The default generator: a residual U-Net for stacks of slices thicker than their pixels."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mrsynth.networks.in_plane import InPlaneConvolution, InPlaneTransposedConvolution
from mrsynth.networks.threads import in_threads

SLOPE = 0.1  # of LeakyReLU
CONDITION_CHANNELS = 64
ERROR_OFFSET = -3.0  # lets the estimate of the error begin near that of a trained network, 0.05
# What the finest level needs for these fits into a core's cache.
SLICES_AT_ONCE = 2

# Gains and offsets, (N or 1, 2 C) each or None, where each level begins on the way down, and on the way up.
Tuning = tuple[list[Tensor | None], list[Tensor | None]]


class ResidualBlock(nn.Module):
    """Two convolutions added to their input: one within slices, one that may look across them.

    Without normalisation layers the block starts near the identity by a small learned gain (after Zhang et al., "Fixup
    Initialization", 2019), and what it computes does not depend on the other patches of a batch. One that does not look
    across slices also takes slices, (N, C, X, Y).
    """

    def __init__(self, channels: int, across_slices: bool) -> None:
        super().__init__()
        self.within = InPlaneConvolution(channels, channels, (3, 3, 1), padding=(1, 1, 0))
        self.across = (
            nn.Conv3d(channels, channels, 3, padding=1)
            if across_slices
            else InPlaneConvolution(channels, channels, (3, 3, 1), padding=(1, 1, 0))
        )
        self.gain = nn.Parameter(torch.tensor(0.2))

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.within(F.leaky_relu(x, SLOPE))
        return x + self.gain * self.across(F.leaky_relu(hidden, SLOPE))


class Modulation(nn.Module):
    """Turns conditions into a gain and an offset of every channel (FiLM, Perez et al. 2018); without effect at first.

    Args:
        conditions: How many numbers describe them.
        widths: Channels of each place that is modulated.
    """

    def __init__(self, conditions: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.widths = tuple(widths)
        self.hidden = nn.Linear(conditions, CONDITION_CHANNELS)
        self.out = nn.Linear(CONDITION_CHANNELS, 2 * sum(widths))
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, conditions: Tensor) -> list[Tensor]:
        """Return for each place gains and offsets, (N, 2 width), given conditions (N, K)."""
        values = self.out(F.leaky_relu(self.hidden(conditions), SLOPE))
        return list(values.split([2 * width for width in self.widths], dim=1))


class ResidualUNet(nn.Module):
    """An anisotropic 3D U-Net (Ronneberger et al. 2015, Çiçek et al. 2016) that learns a correction to its input.

    In-plane resolution is halved at every level, slice resolution only where ``slice_strides`` says so, since slices
    are several times thicker than pixels. The output is ``skip * input + correction`` with a learned ``skip`` and a
    correction that starts at zero. With ``fold`` the finest level works on blocks of pixels laid into channels (after
    Shi et al., "Real-Time Single Image and Video Super-Resolution", 2016): it sees more at a fraction of the work.

    The finest level looks at each slice by itself. On a CPU, whose memory is slower than its arithmetic, evaluation
    takes it a few slices at a time, each in a thread of its own, with the same result.

    Args:
        widths: Channels of each level, finest first.
        blocks: Residual blocks of each level on the way down; the way up has one fewer, at least one.
        slice_strides: Stride along the slices from each level to the next.
        fold: In-plane pixels along each side of a block that become channels; 1 folds nothing.
        nonnegative: Whether evaluation clips the output at zero (air, for intensities that are divided by a scale).
        conditions: How many numbers the network is told about each patch beside its voxels, see `timing`.
        estimates_error: Whether it gives the absolute error that it expects as a second channel.

    Attributes:
        size_multiple: What each axis of an input must be a multiple of.
        half_precision_on: Types of devices where half precision, if they have it, makes it faster.

    Raises:
        ValueError: If the sizes do not agree, ``fold`` or ``conditions`` is too small, or ``estimates_error`` is no
            truth value.
    """

    half_precision_on = ("cpu", "cuda")

    def __init__(  # noqa: PLR0913, the arguments are the fields of a card's configuration
        self,
        widths: Sequence[int] = (16, 24, 48, 96),
        blocks: Sequence[int] = (1, 1, 2, 2),
        slice_strides: Sequence[int] = (1, 1, 2),
        fold: int = 1,
        nonnegative: bool = True,
        conditions: int = 0,
        estimates_error: bool = False,
    ) -> None:
        super().__init__()
        if fold < 1:
            raise ValueError(f"expected a fold of at least 1, found {fold}")
        if conditions < 0:
            raise ValueError(f"expected at least 0 conditions, found {conditions}")
        if not isinstance(estimates_error, bool):  # it counts channels, so 2 would make a network of three
            raise ValueError(f"expected estimates_error as true or false, found {estimates_error!r}")
        if not len(widths) == len(blocks) == len(slice_strides) + 1:
            raise ValueError(
                "expected as many widths as blocks and one slice stride fewer, "
                f"found {len(widths)}, {len(blocks)} and {len(slice_strides)}"
            )
        self.fold, self.nonnegative = fold, nonnegative
        steps = list(zip(widths[:-1], widths[1:], [(2, 2, s) for s in slice_strides], strict=True))
        self.size_multiple = _product([(fold, fold, 1)] + [stride for *_, stride in steps])
        self.stem = InPlaneConvolution(fold**2, widths[0], (3, 3, 1), padding=(1, 1, 0))
        self.encoders = nn.ModuleList(
            _level(width, count, across_slices=level > 0)
            for level, (width, count) in enumerate(zip(widths, blocks, strict=True))
        )
        self.downs = nn.ModuleList(InPlaneConvolution(fine, coarse, s, s) for fine, coarse, s in steps)
        self.ups = nn.ModuleList(InPlaneTransposedConvolution(coarse, fine, s, s) for fine, coarse, s in steps)
        self.fusions = nn.ModuleList(InPlaneConvolution(2 * fine, fine, 1) for fine, *_ in steps)
        self.decoders = nn.ModuleList(
            _level(width, max(1, count - 1), across_slices=level > 0)
            for level, (width, count) in enumerate(zip(widths[:-1], blocks[:-1], strict=True))
        )
        self.estimates_error = estimates_error
        self.head = InPlaneConvolution(widths[0], fold**2 * (1 + estimates_error), (3, 3, 1), padding=(1, 1, 0))
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.skip = nn.Parameter(torch.tensor(0.5))
        self.modulation = Modulation(conditions, [*widths, *widths[:-1]]) if conditions else None

    def forward(self, x: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Map a source to a target.

        Args:
            x: (N, 1, in-plane, in-plane, slice), sizes multiples of ``size_multiple``.
            conditions: (N, K), or (1, K) for all; given to a network with conditions, and to no other.

        Returns:
            The target, of the shape of the source; with ``estimates_error`` (N, 2, ...), the second channel is the
            absolute error that the network expects.

        Raises:
            ValueError: If there are no conditions, or other ones than the network has.
        """
        tuned = self._tuned(conditions)
        apart = self._slices_are_alone(x) and (conditions is None or len(conditions) == 1)
        sources = _slices(x).split(SLICES_AT_ONCE) if apart else (x,)
        shortcuts, halved = zip(*in_threads(partial(self._finest_down, tuned), sources), strict=True)
        hidden = self._coarser_levels(tuned, _stack(halved, len(x)) if apart else halved[0])
        coarse = _slices(hidden).split(SLICES_AT_ONCE) if apart else (hidden,)
        results = in_threads(partial(self._finest_up, tuned), list(zip(sources, shortcuts, coarse, strict=True)))
        result = _stack(results, len(x)) if apart else results[0]
        return result.clamp(min=0) if self.nonnegative and not self.training else result

    def _tuned(self, conditions: Tensor | None) -> Tuning:
        """Return what the conditions do where each level begins on the way down, and on the way up."""
        expected = 0 if self.modulation is None else self.modulation.hidden.in_features
        found = 0 if conditions is None else conditions.shape[1]
        if expected != found:
            raise ValueError(f"expected {expected} conditions, found {found}")
        if self.modulation is None:
            return [None] * len(self.encoders), [None] * len(self.decoders)
        values = self.modulation(conditions)
        return values[: len(self.encoders)], values[len(self.encoders) :]

    def _slices_are_alone(self, x: Tensor) -> bool:
        """Return whether the finest level can take slices one by one, and should."""
        alone = all(down.stride[2] == 1 for down in self.downs[:1])
        return alone and x.device.type == "cpu" and not torch.is_grad_enabled()

    def _finest_down(self, tuned: Tuning, x: Tensor) -> tuple[Tensor, Tensor]:
        """Take a source, volumes or slices, to its shortcut, (N, widths[0], X / fold, ...), and to the next level."""
        hidden = self.encoders[0](_modulated(self.stem(_folded(x, self.fold)), tuned[0][0]))
        return hidden, self.downs[0](F.leaky_relu(hidden, SLOPE)) if self.downs else hidden

    def _coarser_levels(self, tuned: Tuning, hidden: Tensor) -> Tensor:
        """Take what the second level begins with to what it ends with, both (N, widths[1], ...), sides halved."""
        shortcuts = []
        for number, encoder in enumerate(self.encoders[1:], start=1):
            if number > 1:
                shortcuts.append(hidden)
                hidden = self.downs[number - 1](F.leaky_relu(hidden, SLOPE))
            hidden = encoder(_modulated(hidden, tuned[0][number]))  # (N, widths[number], ...)
        for level in reversed(range(1, len(self.ups))):
            hidden = self._up(tuned, level, hidden, shortcuts.pop())
        return hidden

    def _up(self, tuned: Tuning, level: int, coarse: Tensor, shortcut: Tensor) -> Tensor:
        finer = self.ups[level](F.leaky_relu(coarse, SLOPE))
        fused = self.fusions[level](torch.cat([finer, shortcut], dim=1))
        return self.decoders[level](_modulated(fused, tuned[1][level]))

    def _finest_up(self, tuned: Tuning, given: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        """Return the target, not clipped, for source, shortcut and what the second level ended with."""
        x, shortcut, coarse = given
        hidden = self._up(tuned, 0, coarse, shortcut) if self.ups else shortcut
        head = self.head(F.leaky_relu(hidden, SLOPE))
        if not self.estimates_error:
            return self.skip * x + _unfolded(head, self.fold)
        correction, error = head.chunk(2, dim=1)
        synthetic = self.skip * x + _unfolded(correction, self.fold)
        return torch.cat([synthetic, F.softplus(_unfolded(error, self.fold) + ERROR_OFFSET)], dim=1)


def _modulated(x: Tensor, values: Tensor | None) -> Tensor:
    """Return volumes or slices (N, C, X, Y, ...) under gains and offsets (N or 1, 2 C); as they are without any."""
    if values is None:
        return x
    gain, offset = values.to(x.dtype).view(len(values), 2, -1, *[1] * (x.ndim - 2)).unbind(dim=1)
    return x * (1 + gain) + offset


def _level(channels: int, blocks: int, across_slices: bool) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(channels, across_slices) for _ in range(blocks)))


def _product(strides: Sequence[tuple[int, int, int]]) -> tuple[int, int, int]:
    product = [1, 1, 1]
    for stride in strides:
        product = [p * s for p, s in zip(product, stride, strict=True)]
    return tuple(product)


def _slices(volumes: Tensor) -> Tensor:
    """Lay slices into the batch: (N, C, X, Y, Z) to (N Z, C, X, Y), channels last in memory."""
    slices = volumes.permute(0, 4, 2, 3, 1).flatten(0, 1).contiguous()
    return slices.permute(0, 3, 1, 2)


def _stack(slices: Sequence[Tensor], count: int) -> Tensor:
    """Undo `_slices` for a number of volumes, given slices a few at a time."""
    volumes = torch.cat(slices).permute(0, 2, 3, 1).unflatten(0, (count, -1))  # (N, Z, X, Y, C)
    return volumes.permute(0, 2, 3, 1, 4).contiguous().permute(0, 4, 1, 2, 3)


def _folded(x: Tensor, fold: int) -> Tensor:
    """Lay blocks of fold x fold pixels into channels: (N, 1, X, Y, ...) to (N, fold^2, X / fold, Y / fold, ...)."""
    if fold == 1:
        return x
    blocks = x[:, 0].unflatten(2, (-1, fold)).unflatten(1, (-1, fold))  # (N, X / fold, fold, Y / fold, fold, ...)
    channels = blocks.movedim((2, 4), (1, 2)).flatten(1, 2)
    last = torch.channels_last_3d if channels.ndim == 5 else torch.channels_last
    return channels.contiguous(memory_format=last)


def _unfolded(channels: Tensor, fold: int) -> Tensor:
    """Undo `_folded`."""
    blocks = channels.unflatten(1, (fold, fold)).movedim((1, 2), (2, 4))  # (N, X / fold, fold, Y / fold, fold, ...)
    return blocks.flatten(3, 4).flatten(1, 2)[:, None]
