"""Tests of client/python; run with `python3 -m unittest discover -s tests/client/python -t .`."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "client/python"))
