"""Names that become part of file names: of subjects, contrasts and sites."""

import re

from mrsynth.errors import InputError

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")


def require_plain_name(text: str, what: str) -> None:
    """Refuse a name that could leave its folder or that some file systems do not know.

    Raises:
        InputError: If it is not made of letters, digits and ``. _ + -`` with a letter or digit first.
    """
    if not _PLAIN.fullmatch(text):
        raise InputError(f"expected {what} of letters, digits and ._+- (at most 100), found {text!r}")
