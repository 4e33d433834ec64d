"""The report as one self-contained page."""

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from focal_mmseg.utils import atomic_write

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 72rem; padding: 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; }
.wide { overflow-x: auto; } .wide:focus-visible, a:focus-visible { outline: 3px solid #1f6feb; outline-offset: 2px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .5rem 0; }
caption { text-align: left; font-weight: 600; padding: .25rem 0; }
th, td { padding: .25rem .7rem; text-align: right; white-space: nowrap; }
th[scope=row] { text-align: left; font-weight: 400; white-space: normal; min-width: 8rem; }
th[scope=colgroup] { text-align: center; }
th[scope=row], thead td { position: sticky; left: 0; background: Canvas; }
thead { border-block: 1px solid; } tbody { border-bottom: 1px solid; }
img { max-width: 100%; height: auto; background: #fff; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid #8884; }
.note { max-width: 44rem; }
@media (max-width: 45rem) {
  .wide img { max-width: none; } th[scope=row] { min-width: 6rem; max-width: 8rem; }
  th[scope=colgroup] { text-align: left; }
}
"""


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        title (str): Its heading.
        body (str): HTML, made by :func:`paragraph`, :func:`wide` and :func:`picture`.
    """

    title: str
    body: str


def paragraph(text: str) -> str:
    """A text."""
    return f'<p class="note">{html.escape(text)}</p>'


def wide(content: str, label: str) -> str:
    """What may be wider than the window: it scrolls by itself, by keyboard too."""
    return f'<div class="wide" tabindex="0" role="region" aria-label="{html.escape(label)}">{content}</div>'


def picture(path: Path, text: str) -> str:
    """A PNG inside the page.

    Args:
        path (Path): The file.
        text (str): What it shows, for those who do not see it.
    """
    content = base64.b64encode(path.read_bytes()).decode('ascii')
    return wide(f'<img src="data:image/png;base64,{content}" alt="{html.escape(text)}">', text)


def write_page(path: Path, title: str, sections: Sequence[Section]) -> None:
    """Write the page: one file that needs no other and no network.

    Args:
        path (Path): The HTML file.
        title (str): Its heading.
        sections (Sequence[Section]): Its parts, linked at the top.
    """
    links = ''.join(
        f'<li><a href="#part{number}">{html.escape(each.title)}</a></li>' for number, each in enumerate(sections)
    )
    parts = '\n'.join(
        f'<section id="part{number}"><h2>{html.escape(each.title)}</h2>\n{each.body}\n</section>'
        for number, each in enumerate(sections)
    )
    text = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<header><h1>{html.escape(title)}</h1><nav aria-label="parts"><ul>{links}</ul></nav></header>
<main>
{parts}
</main>
</body>
</html>
"""
    with atomic_write(path) as part:
        part.write_text(text, encoding='utf-8')
