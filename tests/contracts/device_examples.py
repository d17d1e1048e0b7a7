"""The worked examples of the documentation, as modules."""

import re
from pathlib import Path
from types import SimpleNamespace

DOCS = Path(__file__).parents[2] / "docs"


def example(name):
    """Everything that a page's one Python example defines; the example is shorter than 100 lines."""
    text = (DOCS / name).read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert code.count("\n") < 100, f"the example of {name} has grown to 100 lines"
    defined = {"__name__": f"docs.{name}"}
    exec(compile(code, name, "exec"), defined)  # our own documentation
    return SimpleNamespace(**defined)
