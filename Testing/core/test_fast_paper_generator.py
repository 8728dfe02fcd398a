"""The fast way through the paper's generator gives what its layers give, whatever happens to the weights."""

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from paper_generator_examples import TOLERANCE, a_generator, a_source, layer_by_layer, relative_error
from torch import Tensor

from mrsynth.networks import fast_paper_generator
from mrsynth.networks import frequency_convolution as frequencies
from mrsynth.networks.fast_paper_generator import LARGEST_SIDE, is_fast
from mrsynth.networks.paper_generator import PaperGenerator

EVEN = st.integers(1, 4).map(lambda half: 2 * half)
SHAPES = [(1, 2, 2, 2), (2, 4, 2, 2), (3, 6, 8, 4)]


@pytest.fixture
def ways(monkeypatch) -> list[str]:
    """Where each pass went: the names of what was called."""
    taken = []

    def watched(name: str, function: Callable) -> Callable:
        return lambda *arguments, **named: taken.append(name) or function(*arguments, **named)

    monkeypatch.setattr(frequencies, "_planes", watched("frequencies", frequencies._planes))
    monkeypatch.setattr(PaperGenerator, "layer_by_layer", watched("layers", PaperGenerator.layer_by_layer))
    return taken


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("trained", [False, True])
@settings(max_examples=4, deadline=None)
@given(sizes=st.tuples(EVEN, EVEN, EVEN), patches=st.integers(1, 3))
def test_any_even_size_gives_what_the_layers_give(residual, trained, sizes, patches):
    generator, source = a_generator(residual, trained), a_source((patches, *sizes))
    with torch.inference_mode():
        assert relative_error(generator(source), layer_by_layer(generator, source)) < TOLERANCE


def test_a_patch_with_the_papers_side_gives_what_the_layers_give():
    generator, source = a_generator(residual=True), a_source((1, 32, 8, 8))
    with torch.inference_mode():
        assert relative_error(generator(source), layer_by_layer(generator, source)) < TOLERANCE


@pytest.mark.parametrize("shape", SHAPES)
def test_double_precision_agrees_to_double_precision(shape):
    generator, source = a_generator(dtype=torch.float64), a_source(shape, torch.float64)
    with torch.no_grad():
        assert relative_error(generator(source), layer_by_layer(generator, source)) < 1e-12


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad, torch.enable_grad])
def test_even_patches_take_the_fast_way(mode, ways):
    with mode():
        a_generator()(a_source((1, 4, 2, 4)))
    assert ways == ["frequencies"] * 9


def test_training_takes_the_fast_way_there_and_back(ways):
    a_generator().train()(a_source((2, 4, 2, 4))).sum().backward()
    assert ways == ["frequencies"] * 18


@pytest.mark.parametrize("sizes", [(3, 4, 4), (4, 5, 4), (4, 4, 1), (LARGEST_SIDE + 2, 2, 2)])
def test_odd_and_large_patches_go_through_the_layers(sizes, ways):
    generator, source = a_generator(), a_source((1, *sizes))
    with torch.inference_mode():
        answer = generator(source)
        assert ways == ["layers"]
        assert torch.equal(answer, layer_by_layer(generator, source))


def test_what_is_fast_depends_on_type_device_and_autocast():
    layers, source = a_generator().layers, a_source((1, 4, 4, 4))
    assert is_fast(layers, source)
    assert not is_fast(layers, source.double())
    assert not is_fast(copy.deepcopy(layers).bfloat16(), source.bfloat16())
    assert not is_fast(layers, source.to("meta"))
    assert not is_fast(layers, source[:0])
    assert not is_fast(layers, source[0])
    assert not is_fast(layers, source.expand(1, 2, 4, 4, 4))
    with torch.autocast("cpu", torch.bfloat16):
        assert not is_fast(layers, source)


@pytest.mark.parametrize("graph", [(torch.compiler, "is_compiling"), (torch.jit, "is_tracing")])
def test_a_graph_is_made_of_the_layers(graph, monkeypatch):
    layers, source = a_generator().layers, a_source((1, 4, 4, 4))
    assert is_fast(layers, source)
    monkeypatch.setattr(*graph, lambda: True)
    assert not is_fast(layers, source)


def change_by_loading(generator: PaperGenerator) -> None:
    generator.load_state_dict({name: 0.5 * value for name, value in generator.state_dict().items()})


def change_in_place(generator: PaperGenerator) -> None:
    with torch.no_grad():
        generator.layers[4].convolution.weight[0, 0, 4, 4, 4] += 1


def change_behind_autograd(generator: PaperGenerator) -> None:
    generator.layers[8].convolution.weight.data.mul_(2)


def change_statistics(generator: PaperGenerator) -> None:
    generator.layers[7].normalization.running_mean.add_(1)


@pytest.mark.parametrize("change", [change_by_loading, change_in_place, change_behind_autograd, change_statistics])
def test_changed_weights_are_noticed(change):
    generator, source = a_generator(), a_source((1, 4, 6, 4))
    with torch.no_grad():
        before = generator(source)
        change(generator)
        answer = generator(source)
        assert relative_error(answer, layer_by_layer(generator, source)) < TOLERANCE
    assert relative_error(answer, before) > 100 * TOLERANCE


def test_patches_of_changing_sizes_are_each_treated_as_what_they_are():
    generator = a_generator()
    with torch.no_grad():
        for shape in [*SHAPES, *SHAPES]:
            source = a_source(shape)
            assert relative_error(generator(source), layer_by_layer(generator, source)) < TOLERANCE


def test_a_pass_in_inference_mode_does_not_stand_in_the_way_of_training():
    generator, source = a_generator(), a_source((2, 4, 4, 4))
    with torch.inference_mode():
        generator(source)
    generator(source).sum().backward()
    with torch.no_grad():
        assert relative_error(generator(source), layer_by_layer(generator, source)) < TOLERANCE


@pytest.mark.parametrize("residual", [False, True])
def test_patches_of_a_constant_are_computed_once(residual, monkeypatch):
    generator, source = a_generator(residual), a_source((6, 4, 4, 4))
    source[1], source[3], source[4] = -0.5, -0.5, 2.0
    computed, original = [], fast_paper_generator.FoldedLayers.respond
    monkeypatch.setattr(
        fast_paper_generator.FoldedLayers,
        "respond",
        lambda layers, patches: computed.extend(patches) or original(layers, patches),
    )
    with torch.inference_mode():
        answer, expected = generator(source), layer_by_layer(generator, source)
        assert len(computed) == 5
        assert relative_error(answer, expected) < TOLERANCE
        computed.clear()
        assert torch.equal(generator(source[4:5]), answer[4:5])
        assert not computed
        assert relative_error(generator(source[3:4]), expected[3:4]) < TOLERANCE
        assert computed


def test_an_answer_for_air_is_not_changed_by_who_received_it():
    generator, air = a_generator(), torch.zeros(1, 1, 4, 4, 4)
    with torch.inference_mode():
        first = generator(air)
        kept = first.clone()
        first.fill_(7)
        assert torch.equal(generator(air), kept)


def test_patches_with_nan_stay_nan():
    source = a_source((2, 4, 4, 4))
    source[0] = torch.nan
    with torch.inference_mode():
        answer = a_generator()(source)
    assert answer[0].isnan().all()
    assert answer[1].isfinite().all()


def test_the_state_has_no_other_names_than_that_of_the_layers():
    generator = a_generator()
    with torch.inference_mode():
        generator(a_source((1, 4, 4, 4)))
    assert {name.split(".")[0] for name in generator.state_dict()} == {"layers"}
    assert len(generator.state_dict()) == 9 + 8 * 5
    assert sum(1 for _ in generator.modules()) == 2 + 9 + 9 + 8 * 2


def test_a_copy_starts_without_what_was_kept():
    generator, source = a_generator(), a_source((1, 4, 4, 4))
    with torch.inference_mode():
        answer = generator(source)
        size = len(pickle.dumps(generator.state_dict()))
        for twin in (copy.deepcopy(generator), pickle.loads(pickle.dumps(generator))):
            assert twin._fast._folded is None
            assert len(pickle.dumps(twin)) < 1.1 * size
            assert torch.equal(twin(source), answer)


def test_repeated_passes_keep_no_more_than_the_first():
    generator = a_generator()
    kept = []
    with torch.inference_mode():
        for step in range(4):
            generator(torch.cat([a_source((2, 4, 4, 4)), torch.full((1, 1, 4, 4, 4), float(step))]))
            kept.append(kept_numbers(generator._fast._folded))
    assert len(set(kept)) == 1
    generator.train()(a_source((2, 4, 4, 4)))
    assert generator._fast._folded is None


def kept_numbers(thing: object) -> int:
    """Count the numbers in tensors that an object holds, directly or through lists, dictionaries and attributes."""
    if isinstance(thing, Tensor):
        return thing.numel()
    if isinstance(thing, dict):
        return sum(map(kept_numbers, thing.values()))
    if isinstance(thing, (list, tuple)):
        return sum(map(kept_numbers, thing))
    return sum(map(kept_numbers, vars(thing).values())) if hasattr(thing, "__dict__") else 0


def test_threads_that_share_a_generator_get_their_own_answers():
    generator = a_generator()
    sources = [a_source((patches, 4, 4, side)) for patches in (1, 2) for side in (2, 4)] * 4
    with torch.no_grad():
        expected = [layer_by_layer(generator, source) for source in sources]

    def answer(source: Tensor) -> Tensor:
        with torch.inference_mode():
            return generator(source)

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(answer, sources))
    assert all(relative_error(found, wanted) < TOLERANCE for found, wanted in zip(answers, expected, strict=True))
