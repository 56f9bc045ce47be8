"""Every chart of a report as files for papers and slides: the same pictures as on the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bias_audit.reports.formats.markdown import escape
from bias_audit.reports.view import exhibits
from bias_audit.reports.view.build import build
from bias_audit.results import Results

CAPTIONS = "captions.md"
"""Name of the file that says what each chart shows and how to read it."""


def files(results: Results) -> Iterator[tuple[str, bytes]]:
    """Yield (name, content) of each chart as SVG, PNG and PDF, then of the captions."""
    return draw_files(build(results).charts)


def draw_files(
    pictures: Iterable[exhibits.Picture | exhibits.Heat],
    kinds: tuple[str, ...] = ("svg", "png", "pdf"),
) -> Iterator[tuple[str, bytes]]:
    """Yield (name, content) of these charts, then of their captions."""
    from bias_audit.reports import charts

    lines = ["# Charts\n\n"]
    for picture in pictures:
        for kind in kinds:
            yield f"{picture.name}.{kind}", charts.file(picture, kind)
        read = f"{picture.answer} {picture.question}".strip()
        lines.append(f"- `{picture.name}`: **{escape(picture.title)}** {escape(read)}\n")
        lines.append(f"  Shown: {escape(picture.summary)}\n")
    yield CAPTIONS, "".join(lines).encode()
