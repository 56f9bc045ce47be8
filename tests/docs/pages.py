"""Write the reference pages that the program knows best: ``python -m tests.docs.pages``.

``docs/reference/``: commands with their options, settings, measures, and every word of the output.
``test_pages.py`` holds them current.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from itertools import starmap
from pathlib import Path
from typing import get_args

import rich_click as click
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from bias_audit import config
from bias_audit.cli.app import app
from bias_audit.metrics.registry import INFOS
from bias_audit.reports import glossary
from bias_audit.utils.settings import Setting

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference"
MADE = "<!-- Made by 'python -m tests.docs.pages'; change the program, not this page. -->"
AGAIN = "write it again: python -m tests.docs.pages"


def page(title: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", MADE, *(part.strip("\n") for part in parts if part)]) + "\n"


def plain(text: object) -> str:
    """A text as Markdown and tables read it: no tag, no new column."""
    return re.sub(r"<(?=[\w/])", "&lt;", " ".join(str(text).split())).replace("|", "\\|")


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    cells = [tuple(head), *(tuple(map(plain, row)) for row in rows)]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([lines[0], f"|{' --- |' * len(cells[0])}", *lines[1:]])


# Commands


def calls(path: tuple[str, ...], command: click.Command) -> Iterator[tuple[str, click.Context]]:
    """Every command that does something, under its whole name."""
    context = click.Context(command, info_name=path[-1])
    if not isinstance(command, click.Group):
        yield " ".join(path), context
        return
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        yield from calls((*path, name), inner)


def of_command(name: str, context: click.Context) -> str:
    command = context.command
    said, _, examples = str(command.help).partition("\b\n")
    arguments = (one for one in command.params if isinstance(one, click.Argument))
    usage = " ".join([name, *(one.make_metavar(context) for one in arguments), "[OPTIONS]"])
    lines = [line.strip() for line in examples.splitlines() if line.startswith("  ")]
    records = (
        one.get_help_record(context) for one in command.params if isinstance(one, click.Option)
    )
    options = [(f"`{record[0]}`", record[1]) for record in records if record]
    return "\n\n".join(
        filter(
            None,
            (
                f"## {name.removeprefix('bias-audit ')}",
                "\n\n".join(plain(part) for part in said.strip().split("\n\n")),
                "```console\n" + "\n".join([usage, *lines]) + "\n```",
                table(("option", "does"), options) if options else "",
            ),
        )
    )


def commands() -> str:
    intro = (
        "What `--help` says of every command. [interface.md](../interface.md#commands) says what\n"
        "scripts may rely on: files, exit codes, formats."
    )
    every = list(calls(("bias-audit",), app))
    rows = (
        (f"[`{name}`](#{name.removeprefix('bias-audit ').replace(' ', '-')})", first_line(context))
        for name, context in every
    )
    return page("Commands", intro, table(("command", "does"), rows), *starmap(of_command, every))


def first_line(context: click.Context) -> str:
    return " ".join(str(context.command.help).strip().split("\n\n")[0].split())


# Settings


def keys(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, str, object]]:
    """Every key of the file that has a value of its own: path, what it is, default."""
    for name, field in model.model_fields.items():
        several = [one for one in get_args(field.annotation) if one is not Ellipsis]
        inner = several[0] if len(several) == 1 else field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from keys(inner, (*path, f"{name}[]" if several else name))
            continue
        default = "required" if field.default is PydanticUndefined else field.default
        yield ".".join((*path, name)), (field.description or ""), default


def of_setting(key: str, said: str, default: object, setting: Setting | None) -> tuple[object, ...]:
    shown = (
        "" if default in (None, (), "") else f"`{default}`" if default != "required" else default
    )
    if setting is None:
        return (f"`{key}`", shown, "", "", said)
    variable = f"`{config.VARIABLES}{setting.parameter.upper()}`"
    return (f"`{key}`", shown, f"`{setting.option}`", variable, setting.flag.help)


def configuration() -> str:
    """The keys of the file with option and variable of each, then what a run alone has."""
    by_key = {".".join(one.key): one for one in config.settings().values()}
    head = ("key", "default", "option of `run`", "variable", "is")
    rows = [of_setting(*one, by_key.get(one[0])) for one in keys(config.Config)]
    call = [
        (f"`{one.option}`", f"`{config.VARIABLES}{one.parameter.upper()}`", one.flag.help)
        for one in by_key.values()
        if one.key[0] == "call"
    ]
    intro = (
        "Every key of `bias-audit.yaml`, its default, and the option and the variable of the\n"
        "environment that take its place. Options win over variables, variables over the file.\n"
        "[interface.md](../interface.md#configuration-bias-audityaml) explains the keys."
    )
    return page(
        "Settings",
        intro,
        table(head, rows),
        "## Of one run only",
        table(("option", "variable", "is"), call),
    )


# Measures, and every word of the output


def measures() -> str:
    intro = (
        "Every measure by its id. [method.md](../method.md) has the formulas and their reasons,\n"
        "[the words](words.md) a page about each."
    )
    head = ("id", "name", "unit", "a larger value", "means nothing at", "source")
    rows = (
        (
            f"`{one.id}`",
            one.name,
            one.unit,
            one.direction,
            "" if one.neutral is None else one.neutral,
            one.reference,
        )
        for one in INFOS.values()
    )
    return page("Measures", intro, table(head, rows))


def words() -> str:
    """What ``bias-audit explain`` prints, under the headings of its list."""
    intro = "What `bias-audit explain WORD` prints: outcomes, states, codes, measures, files."
    parts = [intro]
    for kind, heading in glossary.KINDS.items():
        some = [one for one in glossary.pages() if one.kind == kind]
        parts.append(f"## {heading}")
        parts += [of_word(one) for one in some]
    return page("Words of the output", *parts)


def of_word(one: glossary.Page) -> str:
    text = re.sub(r"^(?!    )(.*)<(?=[\w/])", r"\1&lt;", one.text.strip("\n"), flags=re.MULTILINE)
    text = re.sub(r"^#+ (.+)$", r"**\1**", text, flags=re.MULTILINE)
    also = f"Also: {', '.join(one.words)}." if one.words else ""
    return "\n\n".join(filter(None, (f"### {one.id}", f"*{plain(one.title)}.*", text, also)))


def wanted() -> dict[Path, str]:
    """Every page, with its text."""
    makers = (commands, configuration, measures, words)
    return {FOLDER / f"{one.__name__}.md": one() for one in makers}


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    for path, text in wanted().items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
