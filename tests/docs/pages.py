"""Write the reference pages that the program knows best: ``python -m tests.docs.pages``.

``docs/reference/``: commands with their options, settings, files with their keys, fields and
columns, measures, and every word of the output.
``test_pages.py`` holds them current.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from inspect import cleandoc
from itertools import starmap
from pathlib import Path
from typing import Any, get_args

import rich_click as click
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from bias_audit import config
from bias_audit.cli.app import app
from bias_audit.datasets.dataset import DATASETS
from bias_audit.gates.baselines import BaselineFile
from bias_audit.gates.waivers import WaiverFile
from bias_audit.metrics.registry import INFOS
from bias_audit.pipeline.audit import Audit
from bias_audit.pipeline.tables import COLUMNS
from bias_audit.probes.json_schema import FILES
from bias_audit.reports import glossary
from bias_audit.reports.view.reference_values import reference_values
from bias_audit.results import Results
from bias_audit.results.codes import CODES, LOUD, NO_CONTROLS, SILENT, Code
from bias_audit.results.evidence import EVIDENCE
from bias_audit.results.io import SCHEMA_VERSION
from bias_audit.utils.field_notes import field_notes, inner_models
from bias_audit.utils.settings import Setting

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference"
MADE = "<!-- Made by 'python -m tests.docs.pages'; change the program, not this page. -->"
AGAIN = "write it again: python -m tests.docs.pages"


def page(title: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", MADE, *(part.strip("\n") for part in parts if part)]) + "\n"


def plain(text: object) -> str:
    """A text as Markdown and tables read it: no tag, no new column."""
    parts = re.split("(`[^`]*`)", " ".join(str(text).split()))
    parts[::2] = [re.sub(r"<(?=[\w/])", "&lt;", part) for part in parts[::2]]
    return "".join(parts).replace("|", "\\|")


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
    lines = [one for one in map(str.strip, examples.splitlines()) if one.startswith("bias-audit")]
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
        "scripts may rely on beyond it: files, exit codes, formats."
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
    notes = field_notes(model)[model.__name__]
    for name, field in model.model_fields.items():
        several = [one for one in get_args(field.annotation) if one is not Ellipsis]
        inner = several[0] if len(several) == 1 else field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from keys(inner, (*path, f"{name}[]" if several else name))
            continue
        default = "required" if field.default is PydanticUndefined else field.default
        yield ".".join((*path, name)), code(notes.get(name)), default


def of_setting(key: str, said: str, default: object, setting: Setting | None) -> tuple[object, ...]:
    shown = (
        "" if default in (None, (), "") else f"`{default}`" if default != "required" else default
    )
    if setting is None:
        return (f"`{key}`", shown, "", "", said)
    variable = f"`{config.VARIABLES}{setting.parameter.upper()}`"
    text = f"{setting.flag.help} {said}"
    return (f"`{key}`", shown, f"`{setting.option}`", variable, text)


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
        "[interface.md](../interface.md#configuration-bias-audityaml) shows a file,\n"
        "[gating.md](../gating.md) how gates are used."
    )
    others = (of_file(one) for one in (WaiverFile, BaselineFile))
    return page(
        "Settings",
        intro,
        table(head, rows),
        "## Of one run only",
        table(("option", "variable", "is"), call),
        "## Waivers and baselines",
        *(part for parts in others for part in parts),
    )


# Files: their keys or fields


def shape(schema: Mapping[str, Any]) -> str:
    """What may stand there, in words: ``number or null``, ``list of [Check](#check)``."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return " or ".join(dict.fromkeys(map(shape, options)))
    kind = str(schema.get("type", "any"))
    if kind == "array":
        inner = schema.get("items") or {"anyOf": schema.get("prefixItems", [{}])}
        return f"list of {shape(inner)}"
    if kind == "object":
        return f"{shape(schema.get('additionalProperties') or {})} by name"
    return {"string": "text", "integer": "whole number", "boolean": "true or false"}.get(kind, kind)


def of_file(
    model: type[BaseModel], left_out: Iterable[str] = (), *, written: bool = True
) -> Iterator[str]:
    """A heading and a table for a model and each model in it; ``written``: by people."""
    notes = field_notes(model)
    schema = model.model_json_schema()
    parts = {schema["title"]: schema, **schema.get("$defs", {})}
    for one in inner_models(model):
        name = one.__name__
        if name in left_out:
            continue
        needed = parts[name].get("required", ()) if written else ()
        rows = (
            (f"`{key}`", shape(value), "Required. " * (key in needed) + code(notes[name].get(key)))
            for key, value in parts[name]["properties"].items()
        )
        yield f"### {name}"
        yield code(one.__doc__)
        yield table(("name", "value", "is"), rows)


def code(text: str | None) -> str:
    """A docstring as Markdown and JSON write it."""
    return re.sub(r"(?<=[;,(] )None\b", "null", cleandoc(text or "").replace("``", "`"))


CONSEQUENCES = {
    SILENT: "never `small`, no upper bound, no `pass`",
    NO_CONTROLS: f"as `{SILENT}`",
    LOUD: "never `association`, no lower bound, no `fail`",
}


def of_code(one: Code) -> tuple[str, ...]:
    kinds = "status" * one.status, "reason" * one.reason
    follows = CONSEQUENCES.get(one.id, "`not_measurable`" if one.blocks else "")
    if one.unasked and not follows:
        follows = "the run is incomplete (3)"
    if one.status and not one.reason:
        follows = "notice"
    link = f"[`{one.id}`](words.md#{glossary.find(one.id).id})"
    return (link, ", ".join(filter(None, kinds)), one.text, follows)


def results() -> str:
    intro = (
        f"`results.json`, version {SCHEMA_VERSION}, field by field, made from what\n"
        "`bias-audit config schema results` prints.\n"
        "[interface.md](../interface.md#resultsjson) says what readers may rely on,\n"
        "[method.md](../method.md) what the numbers mean."
    )
    columns = table(("column", "is"), ((f"`{name}`", text) for name, text in EVIDENCE.items()))
    codes = table(("code", "is", "says", "follows"), map(of_code, CODES.values()))
    return page(
        "Results: fields, columns, codes",
        intro,
        "## Fields of results.json",
        *of_file(Results, written=False),
        "## Columns of evidence.csv.gz",
        "A row for each sentence and scored word, controls and placebo runs included.",
        columns,
        "## Codes",
        "A *status* stands at a result or probe, a *reason* at a gate. Each is a link to its page.",
        codes.replace("{word}", "").replace("{n}", "few"),
    )


def tables() -> str:
    """Columns of the data frames of an audit."""
    intro = (
        "Data frames of an `Audit`: few columns, `full=True` adds the rest. Groups are ids.\n"
        "Intervals (95 % unless `confidence` says otherwise) are adjusted for nothing; p of a\n"
        "comparison is adjusted by Holm over those of its probe."
    )
    parts = [intro]
    for name, columns in COLUMNS.items():
        parts += [f"## {name}()", code(getattr(Audit, name).__doc__).partition("Columns:")[0]]
        parts.append(table(("column", "is"), ((f"`{key}`", text) for key, text in columns.items())))
    return page("Tables for pandas", *parts)


def datasets() -> str:
    """Published data sets: what a copy has to hold."""
    intro = (
        "What your copy of a [published data set](../benchmarks.md) has to hold. Tables are\n"
        "separated by tabs or commas, and further columns are ignored. A file of your own pairs\n"
        "with the columns of `crows-pairs` is read like it."
    )
    rows = ((f"`{one.id}`", one.holds, one.layout, one.licence) for one in DATASETS.values())
    return page("Data sets", intro, table(("data set", "holds", "layout", "licence"), rows))


def probe_files() -> str:
    """Keys of the files that people write about probes."""
    intro = (
        "Every key of a probe, a template set, a lexicon, a list of suites and the sentences of\n"
        "the sanity check. [probes.md](../probes.md) shows how they are used."
    )
    parts, seen = [intro], set[str]()
    for kind, model in FILES.items():
        parts += [f"## Files of the kind {kind}", *of_file(model, seen)]
        seen |= {one.__name__ for one in inner_models(model)}
    return page("Files of probes", *parts)


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


# Parts of pages that are written by hand


def values() -> str:
    """Published numbers of known models."""
    head = ("data set", "measure", "of", "model", "value", "items", "source", "comparable")
    rows = (
        (
            *(f"`{name}`" for name in (one.dataset, one.measure, one.group, one.model)),
            f"{one.value:.2f}",
            "" if one.items is None else f"{one.items:,}",
            ", ".join(one.sources),
            f"no: {one.apart}" if one.apart else "yes",
        )
        for one in reference_values().values
    )
    return table(head, rows)


def sources() -> str:
    """Where those numbers were read."""
    every = sorted(reference_values().sources.items())
    return "\n".join(f"- **{name}**: [{s.title}]({s.url}); {s.where}." for name, s in every)


PARTS = {"reference-values.md": (values, sources)}
"""What stands in a page between comments with these names."""


def with_parts(name: str) -> str:
    """A page by hand with its parts as they are today."""
    text = (FOLDER.parent / name).read_text(encoding="utf-8")
    for part in PARTS[name]:
        begin, end = f"<!-- {part.__name__} -->\n", f"<!-- end of {part.__name__} -->"
        before, rest = text.split(begin)
        text = f"{before}{begin}{part()}\n{end}{rest.split(end)[1]}"
    return text


def wanted() -> dict[Path, str]:
    """Every page, with its text."""
    makers = (commands, configuration, datasets, measures, probe_files, results, tables, words)
    made = {FOLDER / f"{one.__name__.replace('_', '-')}.md": one() for one in makers}
    return made | {FOLDER.parent / name: with_parts(name) for name in PARTS}


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    for path, text in wanted().items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
