"""The command group, lazy loading, and what happens to errors."""

from __future__ import annotations

import gc
import os
import re
import sys
import traceback
from importlib import import_module
from pathlib import Path

import rich_click as click

from bias_audit.cli.output import say
from bias_audit.cli.streams import guard_streams, lost_output
from bias_audit.errors import BiasAuditError, UnknownNameError, UsageError, visible
from bias_audit.utils.settings import require_text
from bias_audit.utils.versions import __version__

_COLLECTED = (50_000, 20, 100)
"""New objects before Python looks for cycles, and how often it looks at older ones: a run makes
hundreds of thousands of records that stay to its end, and looking at them finds nothing."""
COMMANDS = {
    "run": "Audit a model: score, judge, report.",
    "fill": "Ask one sentence: top completions per group, side by side.",
    "explore": "Open a local page: try sentences, browse audits.",
    "report": "Render a stored audit (html, md, json, csv, terminal).",
    "bundle": "Pack a run into one file that others can verify.",
    "verify": "Check such a file: digests, numbers, gates, reports.",
    "show": "Look at an audit in the terminal, down to the sentences.",
    "plan": "How many sentences and words would decide a gate.",
    "gate": "Judge a stored run by the gates of a configuration.",
    "compare": "Compare two stored runs, sentence by sentence.",
    "trace": "Set a model and what was made from it side by side.",
    "baseline": "Accept a run as a baseline, or look at those accepted.",
    "waive": "Accept a failure for a while, with an owner and an end.",
    "waivers": "List the waivers, with what became of them.",
    "probes": "List, describe, preview and check probes.",
    "models": "Say how a model would be read, and why.",
    "datasets": "List, describe and fetch published data sets.",
    "cache": "Look at what runs keep, or forget it.",
    "config": "Show the configuration, its origin, or its JSON Schema.",
    "init": "Write a configuration, a waiver file and a CI job to start from.",
    "explain": "Explain a word of the output in plain language.",
    "doctor": "Check this installation and the bundled model.",
}

_LONG = re.compile(r"\S{400,}")
"""A name that nobody reads to its end."""
HOMES = {"waive": "waivers"}
"""Modules of the commands that have none of their own name."""

EPILOG = """\
Exit codes: 0 no gate failed, 1 a gate failed, 2 wrong use, 3 incomplete,
4 the model could not be loaded, 5 nothing was audited, 70 a bug of ours, 130 interrupted.
"""

click.rich_click.TEXT_MARKUP = None  # help texts hold [group], which is no markup
click.rich_click.MAX_WIDTH = 100


class LazyGroup(click.RichGroup):
    """Imports a command's module when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of the help text."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one command, or None when there is no such name."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"bias_audit.cli.{HOMES.get(cmd_name, cmd_name)}")
        command: click.Command = getattr(module, cmd_name)
        if not isinstance(command, click.Group):
            _check_variables(cmd_name, command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands from the table, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; an unknown name gets the nearest spelling."""
        known = ctx.resilient_parsing or not args or args[0].startswith("-") or args[0] in COMMANDS
        if not known:
            raise UnknownNameError("command", args[0], COMMANDS)
        return super().resolve_command(ctx, args)


def _check_variables(name: str, command: click.Command) -> None:
    """Refuse variables of a command that hold no text, or that no option reads.

    Raises:
        UsageError: there is one.
    """
    prefix = f"BIAS_AUDIT_{name.upper()}_"
    options = [(one.name or "").upper() for one in command.params]
    known = [prefix + option for option in options]
    general = {f"BIAS_AUDIT_{option}": prefix + option for option in options}
    for variable, text in os.environ.items():
        if variable in general:
            raise UsageError(
                f"the environment variable '{variable}' is read by no command",
                hint=f"write {general[variable]}, or unset it",
            )
        if variable.startswith(prefix):
            require_text(text, variable)
            if variable not in known:
                raise UnknownNameError("environment variable", variable, known)


@click.group(
    cls=LazyGroup,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "BIAS_AUDIT"},
)
@click.version_option(__version__, prog_name="bias-audit")
def app() -> None:
    """Audit what a language model associates with groups of people.

    Start with `bias-audit run`: it audits the bundled reference model and writes a report.
    """


def main(args: list[str] | None = None) -> int:
    """Run the command line and exit with its code."""
    gc.set_threshold(*_COLLECTED)
    guard_streams()
    code = run(args)
    if loss := lost_output():
        _print_error(
            f"Error: cannot write the output: {loss.strerror}\n  make room, or write elsewhere"
        )
    sys.exit(code or (2 if loss else 0))


def run(args: list[str] | None = None) -> int:
    """Run the command line; errors that a user can fix print one message and no traceback."""
    try:
        _refuse_empty_texts(sys.argv[1:] if args is None else args)
        code = app.main(args=args, prog_name="bias-audit", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except BiasAuditError as error:
        _print_error(f"Error: {error}")
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _report_interrupt()
    except click.ClickException as error:
        vars(error)["message"] = visible(_shorten(error.message))
        error.show()
        return 2
    except OSError as error:
        return _report_file(error) if error.filename is not None else _report_crash()
    except ImportError as error:
        return _report_crash() if _is_ours(error) else _report_package(error)
    except Exception:  # our bug: keep the traceback for the report, not for the screen
        return _report_crash()


def _refuse_empty_texts(args: list[str]) -> None:
    """Refuse arguments and options that hold no text: an unset variable is no missing value.

    Raises:
        UsageError: there is one.
    """
    before = ""
    for arg in args:
        option, equals, text = arg.partition("=")
        if option.startswith("--") and equals:
            require_text(text, option)
        require_text(arg, before if before.startswith("-") and before != "--" else "an argument")
        before = arg


def _report_interrupt() -> int:
    _print_error("Interrupted: no report was written; the next run uses the scores that were kept.")
    return 130


def _report_file(error: OSError) -> int:
    """Say which file cannot be used: what the machine refuses is no bug of ours."""
    _print_error(
        f"Error: cannot use {error.filename}: {error.strerror}\n  name another file or folder"
    )
    return 2


def _is_ours(error: ImportError) -> bool:
    return (error.name or "").partition(".")[0] == "bias_audit"


def _report_package(error: ImportError) -> int:
    """Say which package does not work: how others are installed is no bug of ours."""
    name = (error.name or "a package").partition(".")[0]
    _print_error(
        f"Error: {name} cannot be imported: {error}\n"
        "  install it again, or look at the whole installation with 'bias-audit doctor'"
    )
    return 4


def _report_crash() -> int:
    path = Path.cwd() / f"bias-audit-crash-{os.getpid()}.txt"
    text = f"bias-audit {__version__}, Python {sys.version}\n\n{traceback.format_exc()}"
    try:
        path.write_text(text, encoding="utf-8")
        where = f"details are in {path}"
    except OSError:
        where = text
    _print_error(f"This is a bug in bias-audit, not in your input; {where}")
    return 70


def _print_error(text: str) -> None:
    say(*_shorten(text).split("\n"), err=True)


def _shorten(text: str) -> str:
    return _LONG.sub(lambda name: f"{name[0][:200]}...", text)
