"""Every other voxel: taken apart, put together, and convolved as if nothing had happened."""

import pytest
import torch
from torch.nn import functional as F

from mrsynth.networks.sublattices import interleaved_kernel, join, split

SHAPES = [(1, 1, 2, 2, 2), (2, 1, 4, 2, 2), (3, 1, 2, 6, 8)]


@pytest.fixture
def a_random_state():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("shape", SHAPES)
def test_joining_undoes_splitting(shape, a_random_state):
    volumes = torch.randn(shape, generator=a_random_state)
    assert torch.equal(join(split(volumes)), volumes)


def test_a_sublattice_holds_every_other_voxel_with_the_parity_of_z_changing_fastest():
    volumes = torch.arange(2 * 4 * 6 * 8.0).reshape(2, 1, 4, 6, 8)
    sublattices = split(volumes)
    assert sublattices.shape == (2, 3, 4, 2, 8)
    assert torch.equal(sublattices[..., 1, 1], volumes[1, 0, ::2, ::2, 1::2])
    assert torch.equal(sublattices[..., 0, 6], volumes[0, 0, 1::2, 1::2, ::2])


@pytest.mark.parametrize("kernel", [1, 3, 5, 7, 9])
def test_a_dilation_of_two_is_none_on_a_sublattice(kernel, a_random_state):
    volumes = torch.randn(1, 1, 6, 4, 8, generator=a_random_state, dtype=torch.float64)
    weight = torch.randn(1, 1, kernel, kernel, kernel, generator=a_random_state, dtype=torch.float64)
    dilated = F.conv3d(volumes, weight, padding=2 * (kernel // 2), dilation=2)
    apart = split(volumes).permute(4, 3, 0, 1, 2)  # (8, N, X / 2, Y / 2, Z / 2)
    answer = F.conv3d(apart, weight, padding=kernel // 2).permute(2, 3, 4, 1, 0)
    torch.testing.assert_close(join(answer), dilated)


@pytest.mark.parametrize("kernel", [1, 3, 5, 7, 9])
@pytest.mark.parametrize("channels", [(1, 3), (2, 1)])
def test_a_kernel_between_sublattices_does_what_it_does_between_voxels(kernel, channels, a_random_state):
    inputs, outputs = channels
    volumes = torch.randn(2, inputs, 6, 4, 2, generator=a_random_state, dtype=torch.float64)
    weight = torch.randn(outputs, inputs, kernel, kernel, kernel, generator=a_random_state, dtype=torch.float64)
    between = interleaved_kernel(weight)
    apart = [split(volumes[:, c : c + 1]) for c in range(inputs)]
    apart = torch.stack(apart, -1).flatten(4).permute(3, 4, 0, 1, 2)  # (N, 8 inputs, X / 2, Y / 2, Z / 2)
    answer = F.conv3d(apart, between, padding=between.shape[2] // 2).unflatten(1, (8, outputs))
    answer = torch.cat([join(answer[:, :, c].permute(2, 3, 4, 0, 1)) for c in range(outputs)], 1)
    torch.testing.assert_close(answer, F.conv3d(volumes, weight, padding=kernel // 2))


def test_a_kernel_between_sublattices_has_half_the_size():
    sizes = {kernel: interleaved_kernel(torch.ones(1, 1, *[kernel] * 3)).shape[2] for kernel in (1, 3, 5, 7, 9)}
    assert sizes == {1: 1, 3: 3, 5: 3, 7: 5, 9: 5}
