"""A report as one HTML file that asks no server: text, tables, inline pictures, light and dark, desk and phone."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from grasping_student.pipeline.files import write_text
from grasping_student.plotting.style import data_uri

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --quiet: #5c656e; --page: #fbfbfa; --card: #ffffff; --line: #d9dde1;
  --accent: #0072b2; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaec; --quiet: #a4adb5; --page: #16191c; --card: #1f2327;
  --line: #3a4148; --accent: #6db9e8; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.25rem; margin: 2.4rem 0 .5rem; padding-top: .9rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.3rem 0 .3rem; }
p { max-width: 76ch; margin: .5rem 0; }
.quiet { color: var(--quiet); font-size: .92rem; }
.verdict { border-left: 4px solid var(--accent); padding: .3rem 0 .3rem 1rem; font-size: 1.06rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .93rem; margin: .6rem 0; }
th, td { padding: .32rem .8rem .32rem 0; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child, .named th:nth-child(2), .named td:nth-child(2) { text-align: left; }
th { color: var(--quiet); font-weight: 600; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(var(--side), 42vw), 1fr)); gap: 14px; }
figure { margin: .6rem 0; }
.grid figure { margin: 0; }
img + img { margin-top: 6px; }
img { display: block; width: 100%; height: auto; background: #fff; border-radius: 6px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(420px, 100%), 1fr)); gap: 14px; }
.charts figure { margin: .6rem 0; max-width: 640px; }
.charts img { padding: 8px; }
figcaption { font-size: .86rem; color: var(--quiet); padding-top: .3rem; line-height: 1.35; }
li { max-width: 76ch; margin: .25rem 0; }
code { font-size: .9em; }
@media (max-width: 520px) { main { padding: 18px 14px 40px; } .grid { gap: 10px; } table { font-size: .84rem; }
  h1 { font-size: 1.45rem; } th, td { padding-right: .6rem; } }
"""


@dataclass(frozen=True)
class Picture:
    """An inline picture.

    Attributes:
        address: ``data:`` address.
        caption: shown below; plain text.
        description: read to those who do not see it; the caption if empty.
        below: ``data:`` address of a second picture under the first.
    """

    address: str
    caption: str
    description: str = ""
    below: str = ""


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of plain text; ``kind`` is ``quiet``, ``verdict`` or nothing."""
    return f'<p class="{kind}">{_text(text)}</p>' if kind else f"<p>{_text(text)}</p>"


def bullets(lines: Iterable[str]) -> str:
    """A list of plain sentences."""
    return "<ul>" + "".join(f"<li>{_text(line)}</li>" for line in lines) + "</ul>"


def heading(text: str, level: int = 2) -> str:
    """A heading of plain text."""
    return f"<h{level}>{_text(text)}</h{level}>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], named: bool = False) -> str:
    """A table of plain text that scrolls sideways where the screen is narrow; ``named`` if two columns hold names."""
    kind = ' class="named"' if named else ""
    cells = "".join(f"<th>{_text(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table{kind}><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>'


def grid(pictures: Iterable[Picture], side: int = 190) -> str:
    """Pictures side by side, as many a row as the screen holds; ``side`` is their least width in pixels."""
    return f'<div class="grid" style="--side:{side}px">' + "".join(map(_figure, pictures)) + "</div>"


def charts(drawn: Iterable[tuple[Figure, str]]) -> str:
    """Charts with their captions, side by side where the screen is wide enough to read them so."""
    return (
        '<div class="charts">' + "".join(_figure(Picture(data_uri(fig), caption)) for fig, caption in drawn) + "</div>"
    )


def _text(text: str) -> str:
    """Plain text as HTML; a number and its percent sign stay on one line."""
    return html.escape(text, quote=True).replace(" %", "\u00a0%")


def _figure(picture: Picture) -> str:
    described = _text(picture.description or picture.caption)
    caption = f"<figcaption>{_text(picture.caption)}</figcaption>" if picture.caption else ""
    below = f'<img src="{picture.below}" alt="the same in colour">' if picture.below else ""
    return f'<figure><img src="{picture.address}" alt="{described}">{below}{caption}</figure>'


def page(title: str, parts: Iterable[str]) -> str:
    """The whole document."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head><body><main>"
        + "\n".join(parts)
        + "</main></body></html>\n"
    )


def write_page(path: Path, title: str, parts: Iterable[str]) -> None:
    """Write the document, whole or not at all."""
    write_text(path, page(title, parts))
