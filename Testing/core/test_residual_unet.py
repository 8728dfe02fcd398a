import pytest
import torch

from mrsynth.networks.residual_unet import ResidualUNet, _folded, _unfolded


@pytest.fixture
def a_small_network():
    torch.manual_seed(0)
    return ResidualUNet(widths=(4, 6, 8), blocks=(1, 2, 1), slice_strides=(1, 2))


def test_an_untrained_network_returns_a_share_of_its_input(a_small_network):
    source = torch.rand(1, 1, 16, 16, 4)
    torch.testing.assert_close(a_small_network.eval()(source), 0.5 * source)


def test_sizes_must_be_multiples_of_what_the_strides_make(a_small_network):
    assert a_small_network.size_multiple == (4, 4, 2)
    assert a_small_network(torch.rand(2, 1, 12, 20, 6)).shape == (2, 1, 12, 20, 6)


def test_the_default_network_is_small_enough_for_a_laptop():
    network = ResidualUNet()
    assert network.size_multiple == (8, 8, 2)
    assert sum(p.numel() for p in network.parameters()) == 1_056_851


def test_a_folded_network_asks_for_multiples_of_its_blocks_as_well():
    network = ResidualUNet(widths=(4, 6, 8), blocks=(1, 2, 1), slice_strides=(1, 2), fold=2)
    assert network.size_multiple == (8, 8, 2)
    source = torch.rand(2, 1, 16, 24, 4)
    torch.testing.assert_close(network.eval()(source), 0.5 * source)


def test_folding_lays_blocks_of_pixels_into_channels_and_unfolding_puts_them_back():
    x = torch.arange(2 * 4 * 6 * 3.0).reshape(2, 1, 4, 6, 3)
    channels = _folded(x, 2)
    assert channels.shape == (2, 4, 2, 3, 3)
    torch.testing.assert_close(channels[:, 1], x[:, 0, 0::2, 1::2])
    torch.testing.assert_close(_unfolded(channels, 2), x)


def test_a_fold_is_at_least_one():
    with pytest.raises(ValueError, match="found 0"):
        ResidualUNet(fold=0)


def test_patches_of_a_batch_do_not_influence_each_other(a_small_network):
    torch.nn.init.normal_(a_small_network.head.weight)
    patches = torch.rand(3, 1, 16, 16, 4)
    together = a_small_network.train()(patches)
    apart = torch.cat([a_small_network(patch[None]) for patch in patches])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-5)


def test_every_parameter_is_reached_by_the_gradient(a_small_network):
    torch.nn.init.normal_(a_small_network.head.weight)
    a_small_network.train()(torch.rand(1, 1, 16, 16, 4)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in a_small_network.parameters())


def test_only_evaluation_clips_at_air(a_small_network):
    torch.nn.init.constant_(a_small_network.head.bias, -5.0)
    source = torch.rand(1, 1, 8, 8, 4)
    assert a_small_network.train()(source).min() < 0
    assert a_small_network.eval()(source).min() == 0


def test_widths_blocks_and_strides_must_agree():
    with pytest.raises(ValueError, match="found 2, 3 and 1"):
        ResidualUNet(widths=(4, 8), blocks=(1, 1, 1), slice_strides=(1,))


@pytest.mark.parametrize(
    ("widths", "blocks", "strides", "fold"),
    [((4, 6, 8), (1, 2, 1), (1, 2), 1), ((4, 6), (2, 1), (1,), 2), ((4, 6), (1, 1), (2,), 1), ((4,), (1,), (), 2)],
)
def test_slices_taken_a_few_at_a_time_give_what_all_of_them_give(widths, blocks, strides, fold):
    torch.manual_seed(0)
    network = ResidualUNet(widths, blocks, strides, fold).eval()
    torch.nn.init.normal_(network.head.weight)
    source = torch.rand(2, 1, 16, 8, 10)
    at_once = network(source).detach()  # with gradients the slices stay together
    for mode in (torch.inference_mode, torch.no_grad):
        with mode():
            torch.testing.assert_close(network(source), at_once, rtol=1e-6, atol=1e-6)


def test_slices_are_taken_apart_only_where_they_are_alone_and_nothing_is_learned():
    sizes = []

    def seen(network: ResidualUNet) -> list[tuple[int, ...]]:
        network.stem.register_forward_hook(lambda module, inputs, output: sizes.append(tuple(output.shape)))
        sizes.clear()
        with torch.no_grad():
            network(torch.rand(1, 1, 8, 8, 6))
        return sorted(sizes)

    assert seen(ResidualUNet((2, 3), (1, 1), (1,))) == [(2, 2, 8, 8)] * 3
    assert seen(ResidualUNet((2, 3), (1, 1), (2,))) == [(1, 2, 8, 8, 6)]
    network = ResidualUNet((2, 3), (1, 1), (1,))
    seen(network)
    sizes.clear()
    network(torch.rand(1, 1, 8, 8, 6))
    assert sizes == [(1, 2, 8, 8, 6)]


def test_half_precision_reaches_slices_that_are_taken_apart():
    torch.manual_seed(0)
    network = ResidualUNet((2, 3), (1, 1), (1,)).eval()
    types = set()
    network.stem.register_forward_hook(lambda module, inputs, output: types.add(output.dtype))
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        answer = network(torch.rand(1, 1, 8, 8, 6))
    assert types == {torch.bfloat16} and answer.dtype == torch.float32
