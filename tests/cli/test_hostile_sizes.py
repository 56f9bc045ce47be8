"""What would not end or not fit into memory is counted first, and refused over a stated limit."""

from __future__ import annotations

import pytest

from bias_audit.errors import FileError
from bias_audit.probes import expand as expansion
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.expand import expand
from bias_audit.probes.schema.text import is_article_free

WORDS = ", ".join(f"w{n}" for n in range(60))
SLOTS = "\n".join(f"  {name}: [{WORDS}]" for name in "abcde")
PROBE = f"""\
kind: probe
id: small
title: A probe with many fillings
axis: test
templates:
  - "[a] [b] [c] [d] [e] the [group] worked as a <mask>."
slots:
{SLOTS}
groups: {{women: [woman, lady], men: [man, gentleman]}}
targets: {{plus: [nurse, teacher], minus: [engineer, pilot]}}
"""


@pytest.fixture
def huge(home):
    (home / "small.yaml").write_text(PROBE)
    return home


@pytest.mark.parametrize(
    "command",
    [
        ("probes", "check", "small.yaml"),
        ("probes", "preview", "small", "--probe-path", "small.yaml"),
        ("run", "fake", "-p", "small", "--probe-path", "small.yaml", "--dry-run"),
        ("run", "fake", "-p", "small", "--probe-path", "small.yaml", "-q"),
        ("run", "fake", "-p", "small", "--probe-path", "small.yaml", "-q", "--limit", "1"),
    ],
)
def test_slots_that_multiply_are_counted_before_they_are_filled(command, cli, huge) -> None:
    code, _, err = cli(*command)
    assert code == 2
    # 60 ** 5 fillings and 4 group words; 4 targets, and completions after "a" and after "an"
    assert "would make 18,662,400,000 prompts, more than 1,000,000: 777,600,000 sentences" in err


def test_the_count_is_that_of_the_prompts(monkeypatch) -> None:
    catalogue = ProbeCatalogue()
    articles = catalogue.probe("role-gender")
    assert any(not is_article_free(frame.template.text) for frame in articles.open_frames)
    for name in ("occupation-pronoun", "occupation-names", "valence-religion", "role-gender"):
        probe = catalogue.probe(name)
        total = len(expand(probe).all_prompts)
        monkeypatch.setattr(expansion, "MOST_PROMPTS", total)
        assert len(expand(probe).all_prompts) == total
        monkeypatch.setattr(expansion, "MOST_PROMPTS", total - 1)
        with pytest.raises(FileError, match=f"would make {total:,} prompts"):
            expand(probe)
        monkeypatch.undo()


def test_a_plan_of_too_many_sizes(cli, stored_small) -> None:
    numbers = ",".join(map(str, range(6, 400)))
    code, _, err = cli("plan", "--templates", numbers, "--words", numbers)
    assert code == 2
    assert "sizes would be planned, more than 10,000" in err


@pytest.mark.parametrize("digits", ["9" * 5_000, "9" * 400, "9" * 30])
@pytest.mark.parametrize(
    "command",
    [
        ("run", "fake", "-p", "small", "--probe-path", "small.yaml", "--dry-run", "--seed"),
        ("run", "fake", "-p", "small", "--probe-path", "small.yaml", "--dry-run", "--limit"),
        ("run", "fake", "-p", "small", "--probe-path", "small.yaml", "--dry-run", "--batch-size"),
        ("run", "fake", "-p", "small", "--probe-path", "small.yaml", "--dry-run", "--max-time"),
        ("run", "fake", "-p", "small", "--probe-path", "small.yaml", "--dry-run", "--examples"),
        ("plan", "a", "--templates"),
        ("plan", "a", "--margin"),
        ("waivers", "list", "--expiring"),
        ("probes", "preview", "small", "--probe-path", "small.yaml", "-n"),
        ("fill", "The [group] was <mask>.", "--groups", "man,woman", "--model", "fake", "--top"),
        ("waive", "x", "--reason", "r", "--owner", "o", "--run", "a", "--until"),
    ],
)
def test_counts_of_any_length_are_numbers_or_mistakes(command, digits, cli, stored_small) -> None:
    code, _, err = cli(*command, digits)
    assert code in (0, 2)
    assert len(err) < 1_500


@pytest.mark.parametrize(
    "command",
    [
        ("show",),
        ("gate",),
        ("report",),
        ("plan",),
        ("compare", "a"),
        ("run", "fake", "--offline", "-c"),
        ("run", "fake", "-p", "small", "-q", "--probe-path"),
        ("run", "fake", "-p", "small", "--probe-path", "small.yaml", "-q", "-o"),
        ("probes", "check"),
        ("datasets", "describe", "crows-pairs", "--data"),
        ("baseline", "show", "main", "--baselines"),
        ("report", "a", "-o"),
    ],
)
@pytest.mark.parametrize("name", ["x" * 5_000, "x/" * 2_400])
def test_paths_that_no_file_can_have(command, name, cli, stored_small) -> None:
    code, _, err = cli(*command, name)
    assert code == 2
    assert len(err) < 1_500


@pytest.mark.parametrize("name", ["x" * 5_000, "~nobody-of-this-name/model"])
def test_a_model_of_a_name_that_no_folder_can_have(name, cli, stored_small) -> None:
    code, _, err = cli("run", name, "--offline", "-p", "small", "--probe-path", "small.yaml")
    assert code == 4
    assert len(err) < 1_500
