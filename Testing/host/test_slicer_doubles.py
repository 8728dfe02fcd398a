"""The doubles of Slicer's application, its messages and its helpers for packages and samples."""

import subprocess
import sys

import pytest
import PyTorchUtils
import qt
import SampleData
import slicer
import slicer.packaging
from slicer_host import messages


def test_installing_twice_changes_nothing():
    import slicer_host

    scene, module = slicer.mrmlScene, sys.modules["qt"]
    slicer_host.install()
    assert (slicer.mrmlScene, sys.modules["qt"]) == (scene, module)


def test_the_application_knows_only_what_slicers_knows():
    assert slicer.app.applicationName == "Slicer"
    assert slicer.app.applicationPid() > 0
    assert (slicer.app.majorVersion, slicer.app.minorVersion, slicer.app.testingEnabled()) == (5, 12, False)
    assert slicer.app.mrmlScene() is slicer.mrmlScene
    with pytest.raises(AttributeError):
        slicer.app.mrmlscene()
    with pytest.raises(RuntimeError, match="anew"):
        slicer.app.restart()


def test_settings_stay_in_the_applications_own_folder():
    slicer.app.settings().setValue("MRSynthesis/Device", "cpu")
    assert slicer.app.userSettings().value("MRSynthesis/Device") == "cpu"
    assert slicer.app.settings().fileName().startswith(slicer.app.temporaryPath)
    qt.QSettings("Company", "Program").setValue("a", 1)
    assert qt.QSettings("Company", "Program").fileName().startswith(slicer.app.temporaryPath)


def test_the_application_says_that_it_quits():
    assert slicer.app.connect("aboutToQuit()", print)
    assert slicer.app.disconnect("aboutToQuit()")


def test_there_is_no_main_window():
    assert slicer.util.mainWindow() is None


def test_translation_hands_texts_through():
    from slicer.i18n import tr, translate

    assert tr("A {count}") == "A {count}" and translate("context", "text") == "text"


def test_nodes_appear_in_the_subject_hierarchy_and_go_with_the_scene(a_scene, a_volume):
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(a_scene)
    assert tree.GetItemByDataNode(a_volume)
    hidden = a_scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
    assert not tree.GetItemByDataNode(hidden)
    a_scene.Clear(0)
    assert slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(a_scene).GetNumberOfItems() == 0


def test_the_application_logic_serves_the_scene(a_scene):
    assert slicer.app.applicationLogic().GetMRMLScene() is a_scene
    assert slicer.app.applicationLogic().GetSelectionNode() is not None


def test_messages_are_recorded():
    slicer.util.infoDisplay("Done", windowTitle="Title")
    slicer.util.errorDisplay("Failed", detailedText="why")
    slicer.util.messageBox("Note")
    assert [(m.level, m.text) for m in messages.shown] == [("info", "Done"), ("error", "Failed"), ("info", "Note")]
    assert (messages.shown[0].title, messages.shown[1].detail) == ("Title", "why")


@pytest.mark.parametrize("ask", ["confirmOkCancelDisplay", "confirmYesNoDisplay", "confirmRetryCloseDisplay"])
def test_questions_get_the_prepared_answers(ask):
    messages.answer(True, False)
    assert [getattr(slicer.util, ask)("Go on?"), getattr(slicer.util, ask)("Go on?")] == [True, False]


def test_a_question_without_a_prepared_answer_is_an_error():
    with pytest.raises(messages.UnansweredQuestion, match="Really"):
        slicer.util.confirmYesNoDisplay("Really?")


def test_nothing_is_opened_on_the_desktop():
    assert qt.QDesktopServices.openUrl(qt.QUrl("https://example.org/"))
    assert messages.openedUrls == ["https://example.org/"]


@pytest.mark.parametrize("install", [slicer.util.pip_install, slicer.packaging.pip_install])
def test_pip_is_not_run_without_asking(install):
    with pytest.raises(RuntimeError, match="pip_ensure"):
        install("nibabel")


def test_requirements_are_read_without_comments_and_options(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text("# readers\nnibabel>=5.2\n\n--index-url https://example.org\nscipy>=1.11\n", encoding="utf-8")
    assert [str(one) for one in slicer.packaging.load_requirements(path)] == ["nibabel>=5.2", "scipy>=1.11"]


def test_packages_are_missing_when_they_are_too_old_or_not_there():
    assert slicer.packaging.pip_check("numpy>=1.0")
    assert not slicer.packaging.pip_check(["numpy>=1.0", "numpy>=999"])
    assert not slicer.packaging.pip_check("a-package-that-is-not-there")
    assert slicer.packaging.pip_check("a-package-that-is-not-there; python_version < '3'")


def test_an_installation_is_recorded_and_may_be_declined_or_fail():
    slicer.packaging.pretendedMissing.add("numpy")
    slicer.packaging.outcome = "decline"
    with pytest.raises(RuntimeError, match="declined"):
        slicer.packaging.pip_ensure(["numpy>=1.0"], requester="MRSynthesis")
    slicer.packaging.outcome = "fail"
    with pytest.raises(subprocess.CalledProcessError):
        slicer.packaging.pip_ensure("numpy>=1.0")
    slicer.packaging.outcome = "install"
    slicer.packaging.pip_ensure("numpy>=1.0")
    slicer.packaging.pip_ensure("numpy>=1.0")
    assert slicer.packaging.calls == [("MRSynthesis", ["numpy>=1.0"]), *[("", ["numpy>=1.0"])] * 2, ("", [])]


def test_torch_is_installed_by_its_extension_on_request():
    PyTorchUtils.reset()
    logic = PyTorchUtils.PyTorchUtilsLogic()
    assert logic.torchInstalled()
    PyTorchUtils.installed, PyTorchUtils.outcome = False, "decline"
    assert logic.installTorch(askConfirmation=True) is None
    PyTorchUtils.outcome = "fail"
    with pytest.raises(RuntimeError):
        logic.installTorch()
    PyTorchUtils.outcome = "install"
    assert logic.installTorch() is not None and logic.torchInstalled()
    assert PyTorchUtils.calls[0] == {"askConfirmation": True}
    PyTorchUtils.reset()


def test_a_sample_needs_a_file_for_every_address_and_is_listed_once():
    register = SampleData.SampleDataLogic.registerCustomSampleDataSource
    with pytest.raises(ValueError, match="expected as many"):
        register(sampleName="Two", uris=["a", "b"], fileNames="a.nrrd")
    with pytest.raises(TypeError):
        register(sampleName="Misspelt", fileName="a.nrrd")
    for _ in range(2):
        register(category="Doubles", sampleName="One", uris="a", fileNames="a.nrrd")
    assert len(slicer.modules.sampleDataSources["Doubles"]) == 1
    SampleData.SampleDataLogic.registerCustomSampleDataCategory("Doubles", title="Shown")
    assert SampleData.categories["Doubles"] == "Shown"
