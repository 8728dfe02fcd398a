"""Runs a script on the test host as ``Slicer --python-script`` does: ``host_script.py SCRIPT -- ARGUMENTS``."""

import runpy
import sys

import slicer_host

if __name__ == "__main__":
    slicer_host.install()
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
