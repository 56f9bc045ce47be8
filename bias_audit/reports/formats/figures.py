"""Every chart of a report as files for papers and slides: the same pictures as on the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bias_audit.reports.formats.markdown import escape
from bias_audit.reports.view import page
from bias_audit.reports.view.build import build
from bias_audit.results import Results

CAPTIONS = "captions.md"
"""Name of the file that says what each chart shows and how to read it."""

Chart = page.Picture | page.Heat


def files(results: Results) -> Iterator[tuple[str, bytes]]:
    """Yield (name, content) of each chart as SVG, PNG and PDF, then of the captions."""
    return drawn(every(build(results)))


def drawn(
    pictures: Iterable[Chart], kinds: tuple[str, ...] = ("svg", "png", "pdf")
) -> Iterator[tuple[str, bytes]]:
    """Yield (name, content) of these charts, then of their captions."""
    from bias_audit.render import charts

    lines = []
    for picture in pictures:
        for kind in kinds:
            yield f"{picture.name}.{kind}", charts.file(picture, kind)
        read = picture.note if isinstance(picture, page.Heat) else picture.question
        answer = f"{escape(picture.answer)} " if picture.answer else ""
        lines.append(f"- `{picture.name}`: **{escape(picture.title)}** {answer}{escape(read)}\n")
        lines.append(f"  Shown: {escape(picture.summary)}\n")
    yield CAPTIONS, "".join(["# Charts\n\n", *lines]).encode()


def every(view: page.Page) -> list[Chart]:
    """All charts of a page, in its order, heat maps included."""
    charts: list[Chart] = []
    for chapter in view.chapters:
        charts += [chapter.picture] if chapter.picture else []
        for probe in chapter.probes:
            charts += [*probe.word_pictures, *([probe.heat] if probe.heat else []), *probe.pictures]
    return charts
