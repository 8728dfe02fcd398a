"""The images of one comparison, and what a view says about the image it shows."""

from dataclasses import dataclass, replace

from slicer import vtkMRMLNode, vtkMRMLScalarVolumeNode
from slicer.i18n import tr as _

from MRSynthesisLib.ComparedSlice import SliceContent
from MRSynthesisLib.ComparisonLayouts import Role, viewLabel
from MRSynthesisLib.SyntheticNode import shownContrastOf

_LONGEST_NAME = 28
_BLEND_AT_FIRST = 0.5


@dataclass(frozen=True)
class ComparedImages:
    """The images of one comparison. All but the first two may be missing, and each is None once its node is deleted."""

    source: vtkMRMLScalarVolumeNode | None
    synthetic: vtkMRMLScalarVolumeNode | None
    reference: vtkMRMLScalarVolumeNode | None = None
    difference: vtkMRMLScalarVolumeNode | None = None
    gradientDifference: vtkMRMLScalarVolumeNode | None = None
    uncertainty: vtkMRMLScalarVolumeNode | None = None

    def of(self, role: Role) -> vtkMRMLScalarVolumeNode | None:
        """The image for a view; None where there is none."""
        return getattr(self, role.value)

    def without(self, node: vtkMRMLNode) -> "ComparedImages":
        """The same images but one."""
        return replace(self, **{role.value: None for role in Role if self.of(role) is node})

    @property
    def grid(self) -> vtkMRMLScalarVolumeNode | None:
        """The volume whose slices set the plane: the source, else what is made on its grid."""
        return self.source or self.synthetic

    @property
    def overlay(self) -> vtkMRMLScalarVolumeNode | None:
        """What the synthetic image is blended with: the acquired image of its contrast, else the source."""
        return self.reference or self.source

    @property
    def blink(self) -> tuple[Role, ...]:
        """The images that take turns in one view."""
        return tuple(role for role in (Role.SOURCE, Role.SYNTHETIC, Role.REFERENCE) if self.of(role) is not None)


@dataclass(frozen=True)
class Look:
    """How the user wants to see the images.

    Attributes:
        blend: How much of the overlay is seen in the blended view, from 0 to 1; None before the user has said.
        turn: Which image the synthetic's view shows for the moment; None for its own.
        hasLastView: Whether the layout has the sixth view, which shows the blend where there is no uncertainty.
    """

    blend: float | None = None
    turn: Role | None = None
    hasLastView: bool = False


def contentOf(images: ComparedImages, role: Role, look: Look) -> SliceContent:
    """What a view is to show."""
    blendsApart = look.hasLastView and images.uncertainty is None and None not in (images.synthetic, images.reference)
    if role is Role.UNCERTAINTY and blendsApart:
        return _blended(images, _BLEND_AT_FIRST if look.blend is None else look.blend)
    if role is not Role.SYNTHETIC:
        return _plain(images, role)
    if look.turn is not None:
        return _plain(images, look.turn)
    return _blended(images, 0.0 if blendsApart else look.blend or 0.0)


def _plain(images: ComparedImages, role: Role) -> SliceContent:
    """A view with its own image, or with a word on why it is empty."""
    image = images.of(role)
    note = _missingNote(images, role) if image is None else ""
    return SliceContent(viewLabel(role), _title(images, role), image, note=note)


def _blended(images: ComparedImages, fraction: float) -> SliceContent:
    """The synthetic image under the reference, or under the source where there is none."""
    below, above = images.synthetic, images.overlay
    if below is None or above is None or fraction == 0:
        return _plain(images, Role.SYNTHETIC)
    over = _("reference") if above is images.reference else _("source")
    title = _("Synthetic {contrast} {below} %, {over} {above} %").format(
        contrast=shownContrastOf(below), below=round(100 * (1 - fraction)), over=over, above=round(100 * fraction)
    )
    return SliceContent(_("Blend"), " ".join(title.split()), below, above, fraction)


def _title(images: ComparedImages, role: Role) -> str:
    contrast = shownContrastOf(images.synthetic) if images.synthetic is not None else ""
    titles = {
        Role.SOURCE: _("Source: {name}"),
        Role.SYNTHETIC: _("Synthetic {contrast}"),
        Role.REFERENCE: _("Reference: {name}"),
        Role.DIFFERENCE: _("Synthetic \N{MINUS SIGN} reference"),
        Role.GRADIENT_DIFFERENCE: _("Gradient difference"),
        Role.UNCERTAINTY: _("Uncertainty {contrast}"),
    }
    image = images.of(role)
    if image is None:
        return viewLabel(role)
    return titles[role].format(name=_shortened(image.GetName() or ""), contrast=contrast).strip()


def _missingNote(images: ComparedImages, role: Role) -> str:
    contrast = shownContrastOf(images.synthetic) if images.synthetic is not None else ""
    reference = _("Choose an acquired {contrast} scan as reference.").format(contrast=contrast).replace("  ", " ")
    if role in (Role.DIFFERENCE, Role.GRADIENT_DIFFERENCE):
        return reference if images.reference is None else _("Not computed yet.")
    if role is Role.UNCERTAINTY:
        return _("No uncertainty volume was asked for.")
    return reference if role is Role.REFERENCE else _("This volume was deleted.")


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
