"""Hooks of the documentation site: reference pages, and links that lead out of ``docs/``.

The pages are read on a code host, where ``../results/x.png`` is a file of the repository, and as a site, where it is
not. So every repository file that a page links to is copied into the site, and the link is turned to the copy.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
ROOT_PAGES = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
"""Pages at the root of the repository -> their names in the site."""

LINK = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?(\))")
COPIES = "repository"
"""Folder of the site that holds copies of the repository's files."""


def packages() -> list[str]:
    """The packages of ``grasping_student`` from the lowest layer to the highest, as the import contracts list them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    return list(reversed(layers))


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the reference to the navigation."""
    pages: list[Any] = [{"Packages": "reference/index.md"}]
    pages += [{name: f"reference/{name}.md"} for name in packages()]
    places = [next(iter(entry)) for entry in config.nav]
    config.nav.insert(places.index("Results"), {"Reference": pages})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the reference pages, the pages of the repository's root, and every file that a page links to."""
    files.append(File.generated(config, "reference/index.md", content=reference_index()))
    for name in packages():
        content = f"---\ntitle: {name}\n---\n\n::: grasping_student.{name}\n"
        files.append(File.generated(config, f"reference/{name}.md", content=content))
    for source, name in ROOT_PAGES.items():
        files.append(File.generated(config, name, abs_src_path=str(ROOT / source)))
    for page in list(files.documentation_pages()):
        if page.src_uri.startswith("reference/"):
            continue
        for _, target, _, _ in LINK.findall(page.content_string):
            path = outside(page.src_uri, target)
            name = f"{COPIES}/{path}"
            if path and (ROOT / path).is_file() and files.get_file_from_path(name) is None:
                files.append(File.generated(config, name, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links to files of the repository to their copies in the site."""

    def turned(match: re.Match[str]) -> str:
        before, target, anchor, after = match.groups()
        place = in_site(page.file.src_uri, target)
        return f"{before}{place or target}{anchor or ''}{after}"

    return LINK.sub(turned, markdown)


def in_site(page: str, target: str) -> str | None:
    """Where a link of a page leads in the site; None if it may stay as it is."""
    path = repository_path(page, target)
    if path is None:
        return None
    here = posixpath.dirname(page) or "."
    if path in ROOT_PAGES:
        return posixpath.relpath(ROOT_PAGES[path], here)
    if PurePosixPath(path).is_relative_to("docs"):
        return posixpath.relpath(path, f"docs/{here}")
    return posixpath.relpath(f"{COPIES}/{path}", here)


def outside(page: str, target: str) -> str | None:
    """The path in the repository of a linked file that is no page of the site; None for all other links."""
    path = repository_path(page, target)
    if path is None or path in ROOT_PAGES or PurePosixPath(path).is_relative_to("docs"):
        return None
    return path


def repository_path(page: str, target: str) -> str | None:
    """The path in the repository that a relative link means; None for addresses of other sites."""
    if "://" in target or target.startswith("mailto:"):
        return None
    folder = "." if page in ROOT_PAGES.values() else posixpath.join("docs", posixpath.dirname(page))
    return posixpath.normpath(posixpath.join(folder, target))


def reference_index() -> str:
    """A table of the packages with the first sentence of each."""
    lines = [
        "# Reference",
        "",
        "Packages from the lowest layer to the highest. A package imports only those above it here.",
        "",
    ]
    lines += ["| package | purpose |", "|---|---|"]
    for name in packages():
        source = (ROOT / "src" / "grasping_student" / name / "__init__.py").read_text(encoding="utf-8")
        purpose = source.split('"""')[1].split("\n")[0] if '"""' in source else ""
        lines.append(f"| [`{name}`]({name}.md) | {purpose} |")
    return "\n".join(lines) + "\n"
