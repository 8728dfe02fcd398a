"""That tests can interrupt what they start, whoever has started them."""

import subprocess
import sys
from pathlib import Path

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"
STARTED_WITH_CTRL_C_IGNORED = """
import runpy, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
runpy.run_path(sys.argv[1])["pytest_configure"]()
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


def test_ctrl_c_is_heard_also_where_a_shell_has_it_ignored():
    code = [sys.executable, "-c", STARTED_WITH_CTRL_C_IGNORED, str(CONFTEST)]
    assert subprocess.run(code, capture_output=True, text=True, check=True).stdout.strip() == "True"
