import numpy as np
import pytest
import torch

from mrsynth_training.epoch_experiment import LossOptions
from mrsynth_training.patch_losses import generator_losses, gradient_difference, realness_loss, reconstruction_error

SHAPE = (3, 1, 5, 4, 6)


@pytest.fixture
def patches():
    """Synthetic and real patches, float64."""
    synthetic, target = np.random.default_rng(0).normal(size=(2, *SHAPE))
    return synthetic, target


def value_and_gradient(loss, synthetic, target, options):
    synthetic = torch.tensor(synthetic, requires_grad=True)
    values = loss(synthetic, torch.tensor(target), options)
    values.sum().backward()
    return values.detach().numpy(), synthetic.grad.numpy()


def count(shape, reduction):
    return np.prod(shape[1:]) if reduction == "mean" else 1


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("kind", ["L1", "L2"])
def test_reconstruction_errors_and_their_gradients_are_the_ones_numpy_gives(patches, kind, reduction):
    values, gradient = value_and_gradient(reconstruction_error, *patches, LossOptions(kind, reduction=reduction))
    difference = patches[0] - patches[1]
    error, slope = (np.abs(difference), np.sign(difference)) if kind == "L1" else (difference**2, 2 * difference)
    voxels = count(SHAPE, reduction)
    np.testing.assert_allclose(values, error.sum(axis=(1, 2, 3, 4)) / voxels, rtol=1e-12)
    np.testing.assert_allclose(gradient, slope / voxels, rtol=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_gradient_differences_and_their_gradients_are_the_ones_numpy_gives(patches, dimensions, reduction):
    synthetic, target = patches
    options = LossOptions("L2", gradient_dimensions=dimensions, reduction=reduction)
    values, gradient = value_and_gradient(gradient_difference, synthetic, target, options)
    expected, slope = np.zeros(SHAPE[0]), np.zeros(SHAPE)
    for axis in range(2, 2 + dimensions):
        near, far = ([slice(None)] * 5 for _ in range(2))
        near[axis], far[axis] = slice(None, -1), slice(1, None)
        step = synthetic[tuple(far)] - synthetic[tuple(near)]
        excess = np.abs(target[tuple(far)] - target[tuple(near)]) - np.abs(step)
        pairs = count(step.shape, reduction)
        expected += (excess**2).sum(axis=(1, 2, 3, 4)) / pairs
        slope[tuple(far)] -= 2 * excess * np.sign(step) / pairs
        slope[tuple(near)] += 2 * excess * np.sign(step) / pairs
    np.testing.assert_allclose(values, expected, rtol=1e-12)
    np.testing.assert_allclose(gradient, slope, rtol=1e-10, atol=1e-14)


def test_an_edge_of_the_other_sign_is_no_gradient_difference():
    edge = torch.zeros(1, 1, 4, 4, 4)
    edge[:, :, 2:] = 1
    assert float(gradient_difference(-edge, edge, LossOptions("L2"))) == 0


def test_a_patch_of_one_slice_has_no_gradient_across_it():
    synthetic, target = torch.rand(2, 2, 1, 4, 4, 1)
    flat, deep = (LossOptions("L2", gradient_dimensions=n) for n in (2, 3))
    assert torch.equal(gradient_difference(synthetic, target, flat), gradient_difference(synthetic, target, deep))


@pytest.mark.parametrize("real", [True, False])
def test_cross_entropies_and_their_gradients_are_the_ones_numpy_gives(real):
    odds = np.array([[-3.0], [0.0], [2.5]])
    logits = torch.tensor(odds, requires_grad=True)
    values = realness_loss(logits, real)
    values.sum().backward()
    probability = 1 / (1 + np.exp(-odds))
    expected = -np.log(probability if real else 1 - probability)
    np.testing.assert_allclose(values.detach().numpy(), expected[:, 0], rtol=1e-12)
    np.testing.assert_allclose(logits.grad.numpy(), probability - real, rtol=1e-12)


def test_a_sure_discriminator_does_not_overflow():
    assert realness_loss(torch.tensor([[-500.0], [500.0]]), real=True).tolist() == [500.0, 0.0]


def test_the_generators_losses_are_those_that_weigh_something(patches):
    synthetic, target = map(torch.tensor, patches)
    options = LossOptions("L1", reconstruction_weight=2.0, adversarial_weight=0.5, gradient_weight=3.0)
    losses = generator_losses(synthetic, target, torch.zeros(3, 1), options)
    assert {name: weight for name, (weight, _) in losses.items()} == {
        "reconstruction": 2.0,
        "adversarial": 0.5,
        "gradient": 3.0,
    }
    assert losses["adversarial"][1].tolist() == pytest.approx([np.log(2)] * 3)
    assert set(generator_losses(synthetic, target, None, LossOptions("L1"))) == {"reconstruction"}
