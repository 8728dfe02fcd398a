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


def lesion_emphasis(
    synthetic: Tensor, target: Tensor, lesions: Tensor, weight: float, faint_weight: float = 0.0
) -> Tensor | None:
    """Return how much more than 1 each voxel counts for the lesion it shows; None if nothing counts more.

    Most lesions are bright in both contrasts. A reader may miss one that comes out too faint and look again at one that
    is too bright: the two errors do not weigh the same.

    Args:
        synthetic: The generator's patches.
        target: What they should be.
        lesions: Weight of lesions in each voxel, 0 to 1.
        weight: Of a voxel that is all lesion.
        faint_weight: What is added to that where the synthetic voxel is darker than it should be.
    """
    if not (weight or faint_weight):
        return None
    return lesions * (weight + faint_weight * (synthetic < target))


def error_estimate_loss(estimate: Tensor, synthetic: Tensor, target: Tensor) -> Tensor:
    """Return the mean squared difference of a network's estimate of its absolute error from that error.

    The estimate that makes it least is the error's expectation; the error itself is not drawn towards its estimate.
    """
    return (estimate - (synthetic - target).abs().detach()).square().mean()
