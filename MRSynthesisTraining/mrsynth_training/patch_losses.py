"""The report's losses, one value a patch, so that their mean is the same however a mini-batch is shared out."""

import torch
from torch import Tensor
from torch.nn import functional as F

from mrsynth_training.epoch_experiment import LossOptions

RECONSTRUCTION = "reconstruction"
ADVERSARIAL = "adversarial"
GRADIENT = "gradient"


def realness_loss(logits: Tensor, real: bool) -> Tensor:
    """Return the binary cross-entropy of (N, 1) log odds against one answer for all, shape (N,)."""
    answers = torch.full_like(logits, float(real))
    return F.binary_cross_entropy_with_logits(logits, answers, reduction="none")[:, 0]


def reconstruction_error(synthetic: Tensor, target: Tensor, options: LossOptions) -> Tensor:
    """Return the absolute (L1) or squared (L2) error of (N, 1, X, Y, Z) patches, reduced over voxels, shape (N,)."""
    difference = synthetic - target
    error = difference.abs() if options.reconstruction == "L1" else difference.square()
    return _reduced(error, options.reduction)


def gradient_difference(synthetic: Tensor, target: Tensor, options: LossOptions) -> Tensor:
    """Return the squared difference of gradient magnitudes of (N, 1, X, Y, Z) patches, shape (N,).

    ``sum over axes of reduce((|d target| - |d synthetic|)^2)`` with differences between neighbours d along the two
    in-plane axes or all three (D. Nie et al., "Medical Image Synthesis with Deep Convolutional Adversarial Networks",
    IEEE Transactions on Biomedical Engineering 65(12), 2018, equation 4, in three dimensions there). The mean is over
    the neighbours along each axis. A patch one voxel thick has none across it, which counts as 0.
    """
    total = synthetic.new_zeros(len(synthetic))
    for axis in range(2, 2 + options.gradient_dimensions):
        if target.shape[axis] > 1:
            difference = target.diff(dim=axis).abs() - synthetic.diff(dim=axis).abs()
            total = total + _reduced(difference.square(), options.reduction)
    return total


def generator_losses(
    synthetic: Tensor, target: Tensor, logits: Tensor | None, options: LossOptions
) -> dict[str, tuple[float, Tensor]]:
    """Return the weight and the values (N,) of each loss that counts.

    Args:
        synthetic: The generator's patches (N, 1, X, Y, Z).
        target: The acquired ones.
        logits: The discriminator's log odds (N, 1) that the generator's are real; None without a discriminator.
        options: Which losses, and what they weigh.
    """
    losses = {RECONSTRUCTION: (options.reconstruction_weight, reconstruction_error(synthetic, target, options))}
    if logits is not None:
        losses[ADVERSARIAL] = (options.adversarial_weight, realness_loss(logits, real=True))
    if options.gradient_weight > 0:
        losses[GRADIENT] = (options.gradient_weight, gradient_difference(synthetic, target, options))
    return losses


def _reduced(voxels: Tensor, reduction: str) -> Tensor:
    """Return the mean or the sum over the voxels of each patch."""
    flat = voxels.flatten(start_dim=1)
    return flat.mean(dim=1) if reduction == "mean" else flat.sum(dim=1)
