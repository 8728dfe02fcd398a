"""Where prepared scans come from, as far as a model that was trained on them has to say it."""

from dataclasses import dataclass

IXI_LICENCE = "CC BY-SA 3.0"


@dataclass(frozen=True)
class DataOrigin:
    """A kind of scans.

    Attributes:
        text: For a sentence such as "250 subjects of ...".
        licence: Of the scans.
        simulated: Whether nobody acquired them.
    """

    text: str
    licence: str
    simulated: bool


IXI = "ixi"
SIMULATED = "simulated"
OWN = ""
ORIGINS = {
    IXI: DataOrigin("the IXI dataset (brain-development.org)", IXI_LICENCE, False),
    SIMULATED: DataOrigin("simulated dual-echo scans of whole-head label maps", "that of the label maps", True),
    OWN: DataOrigin("pairs of scans that are not public", "not stated", False),
}
