"""The demo head among the sample data: listed by Slicer's rules, built once, and stopped with the module."""

import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from job_examples import a_scan_at
from job_witness import remaining, wait_until

import slicer  # isort: skip (the host is there once job_witness is)
import slicer.packaging  # isort: skip
import slicer.util  # isort: skip
from slicer_host import messages  # isort: skip

from freed import turns

from MRSynthesisLib import RunFolder, SampleScans
from MRSynthesisLib.WorkerLaunch import WorkerLaunch, commandLaunch

MODULE = Path(__file__).parents[2] / "MRSynthesis" / "MRSynthesis.py"
# In place of the real building: it waits for leave, then copies scans, or fails.
BUILDER = """
import pathlib, shutil, sys, time
made, place = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
with open(made / "starts", "a") as file: file.write(f"{place}\\n")
while not (made / "go").exists(): time.sleep(0.01)
if (made / "fail").exists(): sys.exit("no brain was found")
for name in ("T2.nii.gz", "PD.nii.gz"): shutil.copy(made / name, place / name)
"""


class Workshop:
    """Where heads are built: how often it was begun, and leave to go on."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.said = folder, []
        self.temporary = folder / "temporary"
        self.temporary.mkdir()

    @property
    def starts(self) -> list[str]:
        file = self.folder / "starts"
        return file.read_text().splitlines() if file.exists() else []

    def ask(self, contrast: str) -> None:
        """Do what the Sample Data module does when a scan is clicked on."""
        source = next(each for each in sources() if each.sampleName.endswith(contrast))
        assert source.customDownloader(source) is None

    def waitForStart(self) -> None:
        wait_until(lambda: self.starts)

    def end(self) -> None:
        (self.folder / "go").touch()
        wait_until(lambda: not SampleScans._builds)


@pytest.fixture
def a_workshop(tmp_path, monkeypatch):
    """Afterwards neither a process nor a file is left."""
    slicer.mrmlScene.Clear(False)
    slicer.packaging.reset()
    messages.clear()
    vars(slicer.modules).pop("sampleDataSources", None)
    workshop = Workshop(tmp_path)
    for contrast in SampleScans.CONTRASTS:
        a_scan_at(tmp_path / f"{contrast}.nii.gz", contrast)

    def launch(arguments):
        command, folder, only = arguments
        assert (command, only) == ("demo", "--head-only")
        return WorkerLaunch(sys.executable, ("-c", BUILDER, str(tmp_path), folder), commandLaunch(()).environment)

    make = RunFolder.tempfile.mkdtemp
    monkeypatch.setattr(RunFolder.tempfile, "mkdtemp", lambda prefix, dir: make(prefix=prefix, dir=workshop.temporary))
    monkeypatch.setattr(SampleScans, "commandLaunch", launch)
    monkeypatch.setattr(slicer.util, "setSliceViewerLayers", lambda **layers: None)
    monkeypatch.setattr(slicer.util, "showStatusMessage", lambda text, duration=0: workshop.said.append(text))
    before = set(psutil.Process().children(recursive=True))
    SampleScans.registerSampleScans(str(MODULE))
    yield workshop
    SampleScans.stopSampleScans()
    assert remaining(before) == [] and list(workshop.temporary.iterdir()) == []
    slicer.packaging.reset()
    messages.clear()
    slicer.mrmlScene.Clear(False)


def sources():
    return slicer.modules.sampleDataSources["MRSynthesis"]


def names():
    return [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")]


def test_both_scans_are_listed_by_slicers_rules_with_nothing_to_download(a_workshop):
    assert [each.sampleName for each in sources()] == ["MRSynthesisDemoHeadT2", "MRSynthesisDemoHeadPD"]
    for source in sources():
        assert source.uris == source.fileNames == source.nodeNames == source.checksums == source.loadFiles == []
    SampleScans.registerSampleScans(str(MODULE))
    assert len(sources()) == 2


def test_slicers_rules_forbid_a_sample_without_addresses(a_workshop):
    import SampleData

    register = SampleData.SampleDataLogic.registerCustomSampleDataSource
    with pytest.raises(TypeError):
        register(category="MRSynthesis", sampleName="None", nodeNames="one", customDownloader=print)
    with pytest.raises(ValueError, match="expected as many"):
        register(category="MRSynthesis", sampleName="Few", uris=[], fileNames=[], nodeNames=["one"])


def test_every_scan_has_a_small_grey_picture(a_workshop):
    from matplotlib.image import imread

    pictures = [imread(source.thumbnailFileName) for source in sources()]
    for picture in pictures:
        assert picture.shape[:2] == (256, 256) and picture[..., :3].std() > 0.1
        np.testing.assert_array_equal(picture[..., 0], picture[..., 2])
    assert abs(pictures[0] - pictures[1]).mean() > 0.02


def test_a_switched_off_sample_data_module_is_no_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "SampleData", None)
    SampleScans.registerSampleScans(str(MODULE))


@pytest.mark.parametrize("contrast", SampleScans.CONTRASTS)
def test_a_scan_that_is_clicked_on_is_built_and_loaded(a_workshop, contrast):
    a_workshop.ask(contrast)
    a_workshop.waitForStart()
    assert a_workshop.said == ["Building the demo head..."] and names() == []
    a_workshop.end()
    assert names() == [f"DemoHead {contrast}"]
    assert a_workshop.said[1:] == ["The demo head was loaded."]


def test_one_build_loads_all_that_was_asked_for_meanwhile(a_workshop):
    for contrast in ("T2", "PD", "T2"):
        a_workshop.ask(contrast)
    a_workshop.waitForStart()
    a_workshop.end()
    assert len(a_workshop.starts) == 1 and sorted(names()) == ["DemoHead PD", "DemoHead T2"]


def test_a_build_that_fails_is_told_once_and_the_next_may_succeed(a_workshop):
    (a_workshop.folder / "fail").touch()
    for contrast in SampleScans.CONTRASTS:
        a_workshop.ask(contrast)
    a_workshop.end()
    (message,) = messages.shown
    assert "could not be built" in message.text and "no brain was found" in message.detail
    assert names() == [] and a_workshop.said[-1] == ""
    (a_workshop.folder / "fail").unlink()
    a_workshop.ask("T2")
    a_workshop.end()
    assert names() == ["DemoHead T2"]


def test_a_user_who_declines_the_package_hears_no_more(a_workshop):
    slicer.packaging.pretendedMissing.add("nilearn")
    slicer.packaging.outcome = "decline"
    a_workshop.ask("T2")
    assert not SampleScans._builds and messages.shown == [] and a_workshop.said == []


def test_a_package_that_cannot_be_installed_is_told(a_workshop):
    slicer.packaging.pretendedMissing.add("nilearn")
    slicer.packaging.outcome = "fail"
    a_workshop.ask("T2")
    assert not SampleScans._builds and "could not be built" in messages.shown[0].text


def test_another_trouble_with_packages_is_told(a_workshop, monkeypatch):
    def refused(requirements, requester):
        raise RuntimeError("no pip")

    monkeypatch.setattr(slicer.packaging, "pip_ensure", refused)
    a_workshop.ask("T2")
    assert "no pip" in messages.shown[0].text


def test_the_end_of_the_module_stops_a_build_and_removes_its_folder(a_workshop):
    a_workshop.ask("T2")
    a_workshop.waitForStart()
    SampleScans.stopSampleScans()
    assert list(a_workshop.temporary.iterdir()) == [] and a_workshop.said[-1] == ""
    (a_workshop.folder / "go").touch()
    turns(0.3)
    assert names() == [] and messages.shown == []
    SampleScans.stopSampleScans()


def test_a_click_reaches_the_module_that_was_loaded_last(a_workshop, monkeypatch):
    """As after a reload: Sample Data still has the function of the first load."""
    reached = []
    new = type(sys)(SampleScans.__name__)
    new.buildDemoHead = lambda resources, contrast: reached.append((resources.name, contrast))
    monkeypatch.setitem(sys.modules, SampleScans.__name__, new)
    a_workshop.ask("PD")
    assert reached == [("Resources", "PD")]
