"""Weights become a network only if they are, byte for byte and tensor for tensor, what the card says."""

import dataclasses
import errno
import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from model_examples import TINY_UNET, make_model, model_description

from mrsynth.errors import InputError, MissingFile, OutputError
from mrsynth.models import integrity
from mrsynth.models.card import ModelCard, read_card
from mrsynth.models.installed import InstalledModel
from mrsynth.models.integrity import read_weights, sha256_of, tensor_shapes, verify_sha256, verify_weights
from mrsynth.models.weights import load_model, write_model
from mrsynth.networks.registry import build_network


@pytest.fixture
def a_model(tmp_path: Path) -> InstalledModel:
    return InstalledModel(make_model(tmp_path), tmp_path / "tiny")


def with_weights(model: InstalledModel, data: bytes) -> InstalledModel:
    """The model with other weights, and a card that vouches for them."""
    model.weights.write_bytes(data)
    fingerprint = {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
    return dataclasses.replace(model, card=ModelCard.from_dict(model.card.to_dict() | fingerprint))


def with_tensors(model: InstalledModel, **changes: Any) -> InstalledModel:
    """The model with some tensors changed, or left out where the change is None."""
    tensors = safetensors.torch.load_file(model.weights) | changes
    kept = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    return with_weights(model, safetensors.torch.save(kept))


def refusal(model: InstalledModel, code: str = "bad_weights") -> str:
    with pytest.raises(InputError) as caught:
        load_model(model)
    assert caught.value.code == code
    message = str(caught.value)
    assert str(model.folder) in message
    assert "\n" not in message
    return message


def test_a_written_model_loads_with_the_same_weights_and_answers_the_same(tmp_path: Path) -> None:
    network = build_network("residual-unet", TINY_UNET)
    torch.nn.init.normal_(network.head.weight)
    card = write_model(tmp_path / "tiny", model_description(), network)
    loaded = load_model(InstalledModel(card, tmp_path / "tiny"))
    x = torch.rand(1, 1, 8, 8, 4)
    assert torch.equal(loaded.network(x), network.eval()(x))


def test_a_loaded_network_is_in_evaluation_mode_without_gradients(a_model: InstalledModel) -> None:
    network = load_model(a_model).network
    assert not any(module.training for module in network.modules())
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_a_network_without_weights_can_be_a_model(tmp_path: Path) -> None:
    card = make_model(tmp_path, network={"name": "identity", "configuration": {}})
    assert load_model(InstalledModel(card, tmp_path / "tiny")).card is card


def test_a_network_with_counters_can_be_a_model(tmp_path: Path) -> None:
    card = make_model(tmp_path, network={"name": "paper-generator", "configuration": {}})
    assert load_model(InstalledModel(card, tmp_path / "tiny")).card is card


def test_the_written_card_is_the_returned_one_and_vouches_for_the_file(a_model: InstalledModel) -> None:
    card = read_card(a_model.folder)
    assert card.to_dict() == a_model.card.to_dict()
    assert (card.sha256, card.size_bytes) == (sha256_of(a_model.weights), a_model.weights.stat().st_size)


def test_a_wrong_description_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="title"):
        write_model(tmp_path / "tiny", model_description(title=""), torch.nn.Identity())
    assert not (tmp_path / "tiny").exists()


def test_half_precision_weights_are_run_in_single_precision(a_model: InstalledModel) -> None:
    half = {name: tensor.half() for name, tensor in safetensors.torch.load_file(a_model.weights).items()}
    network = load_model(with_weights(a_model, safetensors.torch.save(half))).network
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


def test_one_flipped_bit_is_noticed(a_model: InstalledModel) -> None:
    data = bytearray(a_model.weights.read_bytes())
    data[-1] ^= 1
    a_model.weights.write_bytes(data)
    assert "expected SHA-256" in refusal(a_model)


def test_truncated_weights_are_refused_by_their_size(a_model: InstalledModel) -> None:
    a_model.weights.write_bytes(a_model.weights.read_bytes()[:-100])
    assert "the file is incomplete or another one" in refusal(a_model)


@pytest.mark.parametrize("length", [8, 50, 1000])
def test_truncated_safetensors_are_refused_even_if_the_card_vouches_for_them(
    a_model: InstalledModel, length: int
) -> None:
    cut = with_weights(a_model, a_model.weights.read_bytes()[:length])
    assert "expected a whole safetensors file" in refusal(cut)
    with pytest.raises(InputError, match="expected a whole safetensors file"):
        verify_weights(cut.weights, cut.card)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_is_refused_without_being_opened(a_model: InstalledModel, protocol: int) -> None:
    data = pickle.dumps({"weights": [0.0] * 10}, protocol=protocol)
    assert "found a pickle" in refusal(with_weights(a_model, data))


def test_a_pytorch_checkpoint_is_refused_without_being_opened(a_model: InstalledModel) -> None:
    torch.save({"head.bias": torch.zeros(1)}, a_model.weights)
    assert "found a pickle" in refusal(with_weights(a_model, a_model.weights.read_bytes()))


def test_safetensors_whose_header_length_looks_like_a_pickle_are_not_taken_for_one(tmp_path: Path) -> None:
    header = json.dumps({"__metadata__": {"x": "y" * 700}}).encode()
    data = (0x0280).to_bytes(8, "little") + header.ljust(0x0280)[:0x0280]
    path = tmp_path / "weights.safetensors"
    path.write_bytes(data)
    integrity.refuse_pickle(path)


def test_weights_that_are_not_there_are_a_missing_file_with_a_remedy(a_model: InstalledModel) -> None:
    a_model.weights.unlink()
    with pytest.raises(MissingFile, match="copy the file there"):
        load_model(a_model)
    card = ModelCard.from_dict(a_model.card.to_dict() | {"url": "https://host.org/w"})
    with pytest.raises(MissingFile, match="downloaded from https://host.org/w"):
        read_weights(a_model.weights, card)


def test_weights_that_cannot_be_read_are_refused(a_model: InstalledModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", fail)
    assert "expected readable weights" in refusal(a_model)


def test_a_missing_tensor_is_named(a_model: InstalledModel) -> None:
    assert "expected a tensor 'head.bias'" in refusal(with_tensors(a_model, **{"head.bias": None}))


def test_an_unknown_tensor_is_named(a_model: InstalledModel) -> None:
    assert "found 'extra' as well" in refusal(with_tensors(a_model, extra=torch.zeros(1)))


def test_a_tensor_of_another_shape_is_named_with_both_shapes(a_model: InstalledModel) -> None:
    message = refusal(with_tensors(a_model, **{"head.bias": torch.zeros(2)}))
    assert message.endswith("tensor 'head.bias': expected the shape [1], found [2]")


def test_a_tensor_of_another_type_is_refused(a_model: InstalledModel) -> None:
    changed = with_tensors(a_model, **{"head.bias": torch.zeros(1, dtype=torch.int64)})
    assert "expected the type torch.float32, found torch.int64" in refusal(changed)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(a_model: InstalledModel, value: float) -> None:
    assert "expected finite numbers" in refusal(with_tensors(a_model, **{"head.bias": torch.tensor([value])}))


def test_several_misfits_are_counted(a_model: InstalledModel) -> None:
    assert refusal(with_tensors(a_model, a=torch.zeros(1), b=torch.zeros(1))).endswith("(and 1 more)")


@pytest.mark.parametrize(
    "network",
    [
        {"name": "diffusion", "configuration": {}},
        {"name": "residual-unet", "configuration": {"depth": 3}},
        {"name": "residual-unet", "configuration": {"widths": [2, 3]}},
        {"name": "residual-unet", "configuration": {**TINY_UNET, "widths": [-2, 3]}},
        {"name": "residual-unet", "configuration": {**TINY_UNET, "widths": "ab"}},
    ],
)
def test_a_network_that_cannot_be_built_is_the_cards_fault(a_model: InstalledModel, network: dict[str, Any]) -> None:
    card = ModelCard.from_dict(a_model.card.to_dict() | {"network": network})
    assert "card.json: network" in refusal(dataclasses.replace(a_model, card=card), "bad_card")


def test_a_hash_that_fits_passes_and_another_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    verify_sha256(path, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")  # FIPS 180-2, appendix B.1
    with pytest.raises(InputError, match="expected SHA-256 0000"):
        verify_sha256(path, "0" * 64)


def test_the_shapes_of_tensors_are_read_without_their_numbers(a_model: InstalledModel) -> None:
    shapes = tensor_shapes(a_model.weights)
    assert shapes["head.bias"] == (1,)
    assert shapes["skip"] == ()


def test_a_model_folder_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "tiny").write_text("a file where the folder should be")
    with pytest.raises(OutputError) as caught:
        make_model(tmp_path)
    assert caught.value.code == "output_unwritable"
