"""What a generator is judged by while it trains. Every reduction is a mean, so no weight depends on the patch size."""

from torch import Tensor

IN_PLANE_AXES = (2, 3)  # of (N, 1, in-plane, in-plane, slice)


def absolute_gradient_difference(synthetic: Tensor, target: Tensor) -> Tensor:
    """Return the mean absolute difference of the in-plane finite differences, summed over the two axes."""
    differences = ((synthetic.diff(dim=axis) - target.diff(dim=axis)).abs().mean() for axis in IN_PLANE_AXES)
    return sum(differences)


def reconstruction_loss(
    synthetic: Tensor, target: Tensor, gradient_weight: float, squared_weight: float = 0.0
) -> Tensor:
    """Return the mean absolute error of (N, 1, X, Y, Z) tensors plus weighted gradient difference and squared error."""
    difference = synthetic - target
    error = difference.abs().mean()
    if squared_weight:
        error = error + squared_weight * difference.square().mean()
    if gradient_weight:
        error = error + gradient_weight * absolute_gradient_difference(synthetic, target)
    return error
