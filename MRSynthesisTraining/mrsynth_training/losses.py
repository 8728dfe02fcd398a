"""What a generator is judged by while it trains. Every reduction is a mean, so no weight depends on the patch size."""

from torch import Tensor

IN_PLANE_AXES = (2, 3)  # of (N, 1, in-plane, in-plane, slice)


def absolute_gradient_difference(synthetic: Tensor, target: Tensor) -> Tensor:
    """Return the mean absolute difference of the in-plane finite differences, summed over the two axes."""
    differences = ((synthetic.diff(dim=axis) - target.diff(dim=axis)).abs().mean() for axis in IN_PLANE_AXES)
    return sum(differences)


def reconstruction_loss(
    synthetic: Tensor,
    target: Tensor,
    gradient_weight: float,
    squared_weight: float = 0.0,
    emphasis: Tensor | None = None,
) -> Tensor:
    """Return the mean absolute error of (N, 1, X, Y, Z) tensors plus weighted gradient difference and squared error.

    Args:
        synthetic: The generator's patches.
        target: What they should be.
        gradient_weight: Of the gradient difference.
        squared_weight: Of the squared error.
        emphasis: How much more than 1 each voxel counts in the absolute and the squared error, (N, 1, X, Y, Z).
    """
    difference = synthetic - target
    error = difference.abs()
    if squared_weight:
        error = error + squared_weight * difference.square()
    if emphasis is not None:
        error = error * (1 + emphasis)
    loss = error.mean()
    if gradient_weight:
        loss = loss + gradient_weight * absolute_gradient_difference(synthetic, target)
    return loss


def error_estimate_loss(estimate: Tensor, synthetic: Tensor, target: Tensor) -> Tensor:
    """Return the mean squared difference of a network's estimate of its absolute error from that error.

    The estimate that makes it least is the error's expectation; the error itself is not drawn towards its estimate.
    """
    return (estimate - (synthetic - target).abs().detach()).square().mean()
