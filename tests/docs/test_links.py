"""Every link of a page leads to a file of the repository and to a heading in it; the site builds without a warning."""

import os
import re
import subprocess
import sys

import pytest
from tests.docs.pages import PAGES, ROOT, page_id, prose

LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as code hosts and the site make them."""
    titles = [re.sub(r"[`*]|\]\([^)]*\)|\[", "", title) for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)]
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=page_id)
def test_links_lead_somewhere(page):
    for link in LINK.findall(prose(page)):
        if "://" in link or link.startswith("reference/"):  # the site makes the reference
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        if anchor:
            assert anchor in anchors(prose(target)), f"{link}: {target.name} has no such heading"


def test_the_site_builds_without_a_warning(tmp_path):
    """Links, anchors, navigation and the docstrings behind the reference."""
    pytest.importorskip("material", reason="needs the extra 'docs': pip install -e '.[docs]'")
    # a process of its own: a script of the benchmarks has the name of the theme's package
    site = ["--strict", "--site-dir", str(tmp_path / "site")]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "mkdocs", "build", *site],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "site" / "reference" / "geometry.html").exists()
    fetched = re.findall(
        r'(?:src|href)="(https?://[^"]+\.(?:js|css|woff2?))', (tmp_path / "site/index.html").read_text()
    )
    assert fetched == [], "the site is read without the network"
