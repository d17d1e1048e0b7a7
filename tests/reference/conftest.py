"""The literal algorithms stand beside the benchmarks that time them; the tests here judge the fast code by them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
