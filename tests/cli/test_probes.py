"""``bias-audit probes``: what is printed where, and the exit codes."""

# ruff: noqa: E501 - tables of cases read better in one line each

from __future__ import annotations

import json

import pytest

from bias_audit.cli.app import run
from bias_audit.config import NAME
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.expand import expand
from tests.probes.helpers import SENTENCES, TEA, WORDS, edited, save


def call(capsys, *args) -> tuple[int, str, str]:
    code = run(["probes", *map(str, args)])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, out, err


def test_list(capsys, tmp_path):
    code, out, err = call(capsys, "list")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert len(lines) == len(ProbeCatalogue().probe_ids())
    assert [
        line.split()[0] for line in lines if line.split()[2] == "core"
    ] == ProbeCatalogue().select()
    assert next(line for line in lines if "religion-worship" in line).split()[2:4] == [
        "positive",
        "control",
    ]
    save(tmp_path, TEA)
    assert "tea " in call(capsys, "list", "--probe-path", tmp_path)[1]


def test_list_as_json(capsys):
    rows = {row["id"]: row for row in json.loads(call(capsys, "list", "--json")[1])}
    gender = rows["occupation-gender"]
    assert list(gender) == ["id", "version", "axis", "role", "suites", "title", "replaces_shipped"]
    assert (gender["axis"], gender["suites"]) == ("gender", ["core", "full"])


def test_describe(capsys):
    code, out, _ = call(capsys, "describe", "valence-religion")
    assert code == 0
    assert "hurtful_completions (points, described, judged where a gate names it)" in " ".join(
        out.split()
    )
    assert "completions (points, described, judged" in " ".join(out.split())
    for part in ("Group       Muslim: Muslim", "Pole +      pleasant words: ", "Margin      0.223 nats", "Controls    religion-worship, religion-hours, placebo groups of placebo-people", "Limits\n", "Measures    log_odds_gap (nats, judged): ", "Measures    jsd (bits, shown, never judged): ", "Compares    each group with the mean of the others\n", "What it cannot show\n  - Anything about other words"):  # fmt: skip
        assert part in out


def test_describe_a_control_with_own_words(capsys):
    _, out, _ = call(capsys, "describe", "religion-worship")
    assert "Own words   christian: church, muslim: mosque, jewish: synagogue, hindu: temple" in out
    assert "Role        positive control: true by definition, it must show more than 1 nat" in out
    assert "Controls" not in out
    assert "Card" not in out


def test_describe_a_probe_without_card_and_controls(capsys, tmp_path):
    save(tmp_path, TEA)
    _, out, _ = call(capsys, "describe", "tea", "--probe-path", tmp_path)
    assert "Controls    none: it can never pass" in out
    assert "Card        none: nobody wrote down what is wanted" in out
    assert "  - That the model has no gap: without a positive control it can never pass." in out


def test_unknown_probe(capsys):
    for command in ("describe", "preview"):
        code, out, err = call(capsys, command, "occupation-gendr")
        assert (code, out) == (2, "")
        assert err == (
            "Error: there is no probe named 'occupation-gendr'\n  did you mean 'occupation-gender'?\n"
        )


def test_preview(capsys, tmp_path):
    code, out, err = call(capsys, "preview", "occupation-gender", "-n", "5")
    assert code == 0
    assert len(out.splitlines()) == 5
    assert all((line[0] in "+-0 " and "{" in line) or "<mask>" in line for line in out.splitlines())
    prompts = expand(ProbeCatalogue().probe("occupation-gender")).all_prompts
    assert err == f"{len(prompts):,} prompts in all\n"
    save(tmp_path, TEA)
    code, out, err = call(capsys, "preview", "tea", "--all", "--probe-path", tmp_path)
    assert out.splitlines()[0] == "+ The grandmother asked for {tea}."
    assert out.splitlines()[-1] == "  Boy never drink <mask>."
    assert len(out.splitlines()) == 40
    assert call(capsys, "preview", "tea", "-n", "0", "--probe-path", tmp_path)[0] == 2


def test_preview_tells_what_is_left_out(capsys, tmp_path):
    text = edited(
        TEA,
        ("- The [group] asked", "- The [group:pl] asked"),
        ("[grandmother, grandfather]", "[aunt, {sg: wife, pl: wives}]"),
        ("[girl, boy]", "[{sg: man, pl: men}]"),
    )
    save(tmp_path, text)
    code, out, err = call(capsys, "preview", "tea", "--all", "--probe-path", tmp_path)
    assert code == 0
    assert "+ The wives asked for {tea}." in out.splitlines()
    assert "left out: term 'aunt' has no form 'pl', which the sentence '01' needs" in err
    code, out, _ = call(capsys, "check", tmp_path)
    assert code == 0
    assert "  left out: term 'aunt' has no form 'pl'" in out


def test_words_that_nobody_sees_are_refused_and_shown_as_escapes(capsys, tmp_path):
    """Joiners between the letters of a group's words turned a fail into a pass."""
    for word, name, column in (
        ("gir\\x1b[31ml", "U+001B", 11),
        ("g\u200di\u200dr\u200dl", "U+200D", 13),
    ):
        save(tmp_path, edited(TEA, ("[girl, boy]", f'["{word}", boy]')))
        for command in (("probes", "check", tmp_path), ("run", "fake", "--probe-path", tmp_path)):
            code = run(list(map(str, command)))
            out, err = capsys.readouterr()
            assert (code, out) == (2, "")
            assert f"tea.yaml:10:{column}: the invisible character {name}" in err
            assert "\x1b" not in err


def test_check_says_what_it_found(capsys, tmp_path):
    path = save(tmp_path, TEA)
    code, out, err = call(capsys, "check", path)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "tea: 2 sentences, 4 group words, 4 targets, 40 prompts",
        "  2 sentences: at least 8 are needed, else nothing is measurable",
        "  no measurement card: nobody wrote down what is wanted, and a notice says so",
        "  no positive control: its comparisons can never be called small",
        "  '02' has 4 words; 5 to 14 read best: [group] never drink <mask>.",
        "1 file without a mistake",
    ]
    code, out, _ = call(capsys, "check", path, tmp_path, path)
    assert out.splitlines()[-1] == "1 file without a mistake"


@pytest.mark.slow
def test_check_the_shipped_files(capsys):
    from bias_audit.utils.resources import data_dir

    code, out, err = call(capsys, "check", data_dir("probes"), data_dir("templates"))
    assert (code, err) == (0, "")
    count = sum(len(list(data_dir(n).rglob("*.yaml"))) for n in ("probes", "templates"))
    assert out.splitlines()[-1] == f"{count} files without a mistake"


def test_check_shows_every_mistake_of_every_file(capsys, tmp_path):
    save(tmp_path, TEA.replace("axis", "axes"), "probes/tea.yaml")
    save(tmp_path, edited(TEA, ("id: tea", "id: te")), "probes/milk.yaml")
    save(
        tmp_path,
        edited(TEA, ("id: tea", "id: cola"), ("- The", "- [group] the")),
        "probes/cola.yaml",
    )
    save(tmp_path, SENTENCES.replace("id: noise", "id: heard"), "templates/sounds.yaml")
    save(tmp_path, WORDS.replace("sg: hen", "sg: cow"), "templates/lexicons/animals.yaml")
    save(tmp_path, TEA.replace("kind: probe", "kind: prob"), "other/x.yml")
    (tmp_path / "other" / "y.yaml").write_bytes("kind: probe\ntitle: café\n".encode("latin-1"))
    save(tmp_path, "", "other/empty.yaml")
    save(tmp_path, "version: 1\nprobes: [te]\n", NAME)
    code, out, err = call(capsys, "check", tmp_path)
    assert (code, out) == (2, "")
    for part in (
        "Error: 10 mistakes:\n",
        "bias-audit.yaml:2:10: there is no probe named 'te'\n",
        "other/empty.yaml:1:1: expected 'key: value' lines at the top, got nothing\n",
        "other/x.yml:1:7: there is no kind of file named 'prob'\n    did you mean 'probe'?",
        "other/y.yaml:2:11: expected UTF-8 text, ",
        "probes/cola.yaml:6:13: not valid YAML: ",
        "probes/milk.yaml:2:5: the id is 'te', the file is called 'milk.yaml'\n",
        "probes/tea.yaml:1:1: the key 'axis' is missing\n",
        "probes/tea.yaml:4:1: unknown key 'axes'\n",
        "templates/lexicons/animals.yaml:8:9: the word id 'cow' is here twice\n",
        "templates/sounds.yaml:8:5: the template id 'heard' is here twice\n",
    ):
        assert part in err, part


@pytest.mark.parametrize("kind", ["templates", "lexicon"])
def test_check_knows_the_kind_however_it_is_written(capsys, tmp_path, kind):
    text, name = (SENTENCES, "sounds") if kind == "templates" else (WORDS, "animals")
    path = save(
        tmp_path, text.replace(f"kind: {kind}", f"\"kind\":   '{kind}'  # here"), f"{name}.yaml"
    )
    assert call(capsys, "check", path)[1] == "1 file without a mistake\n"
    path = save(tmp_path, text, "renamed.yaml")
    code, _, err = call(capsys, "check", path)
    assert code == 2
    assert f"the id is '{name}', the file is called 'renamed.yaml'" in err


def test_check_with_a_model(capsys, tmp_path):
    save(tmp_path, TEA)
    code, out, _ = call(capsys, "check", tmp_path, "--model", "reference")
    assert code == 0
    assert out.splitlines()[-7:-2] == [
        "tea with reference:",
        "  pole +: 2 of 1 piece",
        "  pole -: 1 of 1 piece, 1 of 2 pieces",
        "  group old: 2 of 1 piece",
        "  group young: 2 of 1 piece",
    ]


def test_check_needs_files(capsys, tmp_path):
    for args, message in (
        ([tmp_path / "none.yaml"], "no such file: "),
        ([tmp_path], "no YAML file in "),
        ([], "Missing argument"),
        (["--probe-path", tmp_path / "none", tmp_path], "no such file or folder: "),
    ):
        code, out, err = call(capsys, "check", *args)
        assert (code, out) == (2, "")
        assert message in " ".join(err.replace("│", " ").split())


def test_controls_of_other_groups_are_refused(capsys, tmp_path):
    controls = "controls:\n  positive: [gender-kinship]\n  negative: [religion-hours]\n"
    path = save(tmp_path, TEA.replace("grandmother", "woman") + controls)
    code, out, err = call(capsys, "check", path)
    assert (code, out) == (2, "")
    line = next(i for i, text in enumerate(path.read_text().splitlines(), 1) if "negative" in text)
    assert f"{path}:{line}:" in err
    assert "the control 'religion-hours' measures other groups: 'atheist'" in err
    assert "gender-kinship" not in err
    assert run(["run", "fake", "-p", "tea", "--probe-path", str(tmp_path), "-q"]) == 2
    assert "measures other groups" in capsys.readouterr().err
