"""The store lists what is usable, says why the rest is not, and takes in only what it has verified."""

import os
import shutil
from pathlib import Path

import pytest
from model_examples import make_model

from mrsynth.errors import InputError, MissingFile, OutputError, OutputExists
from mrsynth.models import staging
from mrsynth.models.folders import PACKAGE_FOLDER, shipped_models_folder, user_models_folder
from mrsynth.models.installed import InstalledModel
from mrsynth.models.store import DEFAULT_MODELS, ModelStore, default_store
from mrsynth.models.weights import load_model

IDENTITY = {"name": "identity", "configuration": {}}


@pytest.fixture
def a_store(tmp_path: Path) -> ModelStore:
    """A store with two shipped models, one for each direction, and nothing of the user's."""
    shipped = tmp_path / "shipped"
    make_model(shipped, name="t2-to-pd", network=IDENTITY)
    make_model(shipped, name="pd-to-t2", network=IDENTITY, source_contrast="PD", target_contrast="T2")
    return ModelStore([shipped, tmp_path / "user"], shipped_folders=[shipped])


@pytest.fixture
def a_folder(tmp_path: Path) -> Path:
    """A model folder that somebody brought."""
    make_model(tmp_path / "brought", name="mine")
    return tmp_path / "brought" / "mine"


def names(store: ModelStore) -> list[str]:
    return [model.card.name for model in store.list()]


def everything_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_shipped_models_come_first_and_each_group_by_name(a_store: ModelStore, a_folder: Path) -> None:
    a_store.add(a_folder)
    assert names(a_store) == ["pd-to-t2", "t2-to-pd", "mine"]
    assert [model.shipped for model in a_store.list()] == [True, True, False]
    assert a_store.problems == ()


def test_the_default_models_come_first_so_that_a_list_begins_with_what_most_should_take(a_store: ModelStore) -> None:
    shipped = a_store.shipped_folders[0]
    make_model(shipped, name="a-study", network=IDENTITY)
    make_model(shipped, name="another", network=IDENTITY, source_contrast="PD", target_contrast="T2")
    assert names(a_store) == ["pd-to-t2", "t2-to-pd", "a-study", "another"]
    assert {source: a_store.fitting(source)[0].card.name for source in ("T2", "PD")} == DEFAULT_MODELS


def test_models_are_found_by_the_contrast_they_take(a_store: ModelStore) -> None:
    assert [model.card.name for model in a_store.fitting("PD")] == ["pd-to-t2"]
    assert a_store.fitting("T1") == []


def test_a_store_whose_folders_do_not_exist_is_empty(tmp_path: Path) -> None:
    store = ModelStore([tmp_path / "none"])
    assert (store.list(), store.problems) == ([], ())
    with pytest.raises(InputError, match="there are no models in"):
        store.find("any")


def test_a_store_needs_a_folder() -> None:
    with pytest.raises(ValueError, match="found no folders"):
        ModelStore([])


def test_an_unknown_model_is_answered_with_the_known_and_the_close_ones(a_store: ModelStore) -> None:
    with pytest.raises(InputError) as caught:
        a_store.find("T2_to_PD")
    assert caught.value.code == "unknown_model"
    assert str(caught.value) == ("expected a model of pd-to-t2, t2-to-pd, found 'T2_to_PD'; did you mean t2-to-pd?")
    with pytest.raises(InputError, match="found 'xyz'$"):
        a_store.find("xyz")


def test_a_broken_card_does_not_take_the_other_models_down(a_store: ModelStore) -> None:
    broken = a_store.user_folder / "broken"
    broken.mkdir(parents=True)
    (broken / "card.json").write_text("{")
    (a_store.user_folder / "empty").mkdir()
    assert names(a_store) == ["pd-to-t2", "t2-to-pd"]
    assert [problem.folder.name for problem in a_store.problems] == ["broken", "empty"]
    assert str(a_store.problems[0]).startswith(f"{broken / 'card.json'}: expected JSON")


def test_asking_for_a_broken_model_says_what_is_wrong_with_it(a_store: ModelStore) -> None:
    (a_store.user_folder / "broken").mkdir(parents=True)
    with pytest.raises(InputError, match="model 'broken' cannot be used: .*expected a model card") as caught:
        a_store.find("broken")
    assert caught.value.code == "bad_card"


def test_a_folder_that_cannot_be_listed_is_a_problem(a_store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = Path.iterdir

    def fail_for_user(path: Path):
        if path == a_store.user_folder:
            raise PermissionError(13, "Permission denied")
        return listing(path)

    a_store.user_folder.mkdir()
    monkeypatch.setattr(Path, "iterdir", fail_for_user)
    assert names(a_store) == ["pd-to-t2", "t2-to-pd"]
    assert str(a_store.problems[0]).endswith("expected a readable folder, found: Permission denied")


def test_a_folder_named_unlike_its_model_is_a_problem(a_store: ModelStore, a_folder: Path) -> None:
    shutil.copytree(a_folder, a_store.user_folder / "other")
    assert "named like its model, 'mine'" in str(a_store.problems[0])


def test_what_begins_with_a_dot_and_loose_files_are_not_models(a_store: ModelStore, a_folder: Path) -> None:
    shutil.copytree(a_folder, a_store.user_folder / ".mine.part")
    (a_store.user_folder / "notes.txt").write_text("mine")
    assert names(a_store) == ["pd-to-t2", "t2-to-pd"]
    assert a_store.problems == ()


def test_a_model_of_the_user_that_shadows_a_shipped_one_is_a_problem_and_not_used(a_store: ModelStore) -> None:
    make_model(a_store.user_folder, name="t2-to-pd")
    assert a_store.find("t2-to-pd").shipped
    assert "expected a name no shipped model has" in str(a_store.problems[0])


def test_the_first_folder_wins_where_two_have_a_model_of_one_name(tmp_path: Path) -> None:
    for place in ("a", "b"):
        make_model(tmp_path / place)
    store = ModelStore([tmp_path / "a", tmp_path / "b"])
    assert store.find("tiny").folder == tmp_path / "a" / "tiny"
    assert str(store.problems[0]).endswith(f"found that of {tmp_path / 'a' / 'tiny'}")


@pytest.mark.parametrize("which", ["folder", "card"])
def test_an_added_model_is_there_loads_and_is_verified(a_store: ModelStore, a_folder: Path, which: str) -> None:
    added = a_store.add(a_folder if which == "folder" else a_folder / "card.json", check=load_model)
    found = a_store.find("mine")
    assert (added.folder, added.shipped) == (found.folder, found.shipped) == (a_store.user_folder / "mine", False)
    a_store.verify(found)
    load_model(found)
    assert everything_in(a_store.user_folder) == ["mine", "mine/card.json", "mine/weights.safetensors"]


def test_adding_copies_nothing_but_card_and_weights(a_store: ModelStore, a_folder: Path) -> None:
    (a_folder / "install.py").write_text("print('hello')")
    assert "install.py" not in os.listdir(a_store.add(a_folder).folder)


def test_adding_a_model_twice_needs_force(a_store: ModelStore, a_folder: Path) -> None:
    a_store.add(a_folder)
    make_model(a_folder.parent, name="mine", version="2.0.0")
    with pytest.raises(OutputExists, match="--force replaces it"):
        a_store.add(a_folder)
    assert a_store.find("mine").card.version == "1.2.3"
    a_store.add(a_folder, force=True)
    assert a_store.find("mine").card.version == "2.0.0"
    assert everything_in(a_store.user_folder) == ["mine", "mine/card.json", "mine/weights.safetensors"]


@pytest.mark.parametrize("force", [False, True])
def test_the_name_of_a_shipped_model_cannot_be_taken(a_store: ModelStore, tmp_path: Path, force: bool) -> None:
    make_model(tmp_path / "brought", name="t2-to-pd")
    with pytest.raises(InputError, match="expected a name no shipped model has") as caught:
        a_store.add(tmp_path / "brought" / "t2-to-pd", force=force)
    assert caught.value.code == "bad_card"
    assert not a_store.user_folder.exists()


def test_a_name_that_leads_out_of_the_folder_is_never_added(a_store: ModelStore, a_folder: Path) -> None:
    card = a_folder / "card.json"
    card.write_text(card.read_text().replace('"mine"', '"../../mine"'))
    with pytest.raises(InputError, match="safe folder name"):
        a_store.add(a_folder)


def test_damaged_weights_are_not_added(a_store: ModelStore, a_folder: Path) -> None:
    with (a_folder / "weights.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x7f")
    with pytest.raises(InputError, match="expected SHA-256"):
        a_store.add(a_folder)
    assert not a_store.user_folder.exists()


def test_a_model_that_fails_the_further_check_is_not_added(a_store: ModelStore, tmp_path: Path) -> None:
    make_model(tmp_path / "brought", name="mine", network=IDENTITY)
    card = tmp_path / "brought" / "mine" / "card.json"
    card.write_text(card.read_text().replace('"identity"', '"diffusion"'))
    with pytest.raises(InputError, match="diffusion"):
        a_store.add(card, check=load_model)
    assert everything_in(a_store.user_folder) == []


def test_a_model_without_weights_is_added_only_if_they_can_be_downloaded(a_store: ModelStore, tmp_path: Path) -> None:
    for name, url in (("remote", "https://host.org/w"), ("bare", None)):
        make_model(tmp_path / "brought", name=name, url=url)
        (tmp_path / "brought" / name / "weights.safetensors").unlink()
    added = a_store.add(tmp_path / "brought" / "remote")
    assert (added.is_complete, a_store.find("remote").is_complete) == (False, False)
    with pytest.raises(MissingFile, match="downloaded from https://host.org/w"):
        a_store.verify(added)
    with pytest.raises(MissingFile, match="expected the weights of model 'bare'"):
        a_store.add(tmp_path / "brought" / "bare")


def test_adding_from_nowhere_is_a_missing_file(a_store: ModelStore, tmp_path: Path) -> None:
    with pytest.raises(MissingFile):
        a_store.add(tmp_path / "nowhere")


def test_the_weights_of_a_shipped_card_may_lie_in_the_users_folder(a_store: ModelStore) -> None:
    model = a_store.find("t2-to-pd")
    weights = model.weights.read_bytes()
    model.weights.unlink()
    without = a_store.find("t2-to-pd")
    assert (without.weights.parent, without.is_complete) == (a_store.user_folder / "t2-to-pd", False)
    without.weights.parent.mkdir(parents=True)
    without.weights.write_bytes(weights)
    a_store.verify(a_store.find("t2-to-pd"))
    assert a_store.problems == ()


def test_an_older_model_stays_if_the_new_one_cannot_take_its_place(
    a_store: ModelStore, a_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = a_store.add(a_folder).folder
    rename = os.replace

    def fail_for_new(source: Path, destination: Path) -> None:
        if Path(source).name == "new":
            raise OSError(28, "No space left on device")
        rename(source, destination)

    monkeypatch.setattr(staging.os, "replace", fail_for_new)
    with pytest.raises(OutputError) as caught:
        a_store.add(a_folder, force=True)
    assert caught.value.code == "disk_full"
    a_store.verify(InstalledModel(a_store.find("mine").card, target))
    assert everything_in(a_store.user_folder) == ["mine", "mine/card.json", "mine/weights.safetensors"]


def test_the_users_folder_is_the_one_the_environment_names(tmp_path: Path) -> None:
    assert user_models_folder({"MRSYNTH_MODELS": str(tmp_path)}) == tmp_path


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/mrsynth/models"),
        ("linux", {}, "~/.local/share/mrsynth/models"),
        ("darwin", {}, "~/Library/Application Support/mrsynth/models"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/mrsynth/models"),
        ("win32", {}, "~/AppData/Local/mrsynth/models"),
    ],
)
def test_the_users_folder_is_where_the_system_keeps_application_data(
    platform: str, environment: dict[str, str], expected: str
) -> None:
    assert user_models_folder(environment, platform) == Path(expected).expanduser()


def test_shipped_models_lie_inside_a_wheel_or_beside_the_package(tmp_path: Path) -> None:
    package = tmp_path / "mrsynth"
    assert shipped_models_folder(package) == tmp_path / "Resources" / "Models"
    (package / "shipped_models").mkdir(parents=True)
    assert shipped_models_folder(package) == package / "shipped_models"
    assert PACKAGE_FOLDER.name == "mrsynth"


def test_the_default_store_looks_into_given_folders_first_and_adds_to_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MRSYNTH_MODELS", str(tmp_path / "user"))
    store = default_store([tmp_path / "first"])
    assert store.folders == (tmp_path / "first", shipped_models_folder(), tmp_path / "user")
    assert (store.shipped_folders, store.user_folder) == ((shipped_models_folder(),), tmp_path / "user")
