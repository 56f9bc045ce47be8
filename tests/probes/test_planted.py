"""Mistakes as authors make them, planted into a new probe: one clear message each, none silent."""

# ruff: noqa: E501 - tables of cases read better in one line each

from __future__ import annotations

from pathlib import Path

import pytest

from bias_audit.cli.app import run
from bias_audit.probes import scaffold
from tests.probes.helpers import edited, save, unmarked

SKELETON = Path(scaffold.__file__).parent / "skeletons"
GOOD = (SKELETON / "probe.yaml").read_text().replace("@ID@", "mine")
WORDS = (SKELETON / "lexicon.yaml").read_text().replace("@ID@", "guests")
FIRST = '- "The [group] ordered <mask> with dinner."'
GROUPS = "groups: {lexicon: gender, use: [women, men]}"
OWN = "groups:\n  nurses: [{sg: nurse, pl: nurses}, {sg: midwife, pl: midwives}]\n  cooks: [{sg: cook, pl: cooks}, {sg: baker, pl: bakers}]"

# name, (old text, new text with § at the place of the mistake) ..., message, hint
PLANTED = [
    ("indentation", [(f"  {FIRST}", f"    {FIRST}"), ('  - "Last night', '  §- "Last night')], "not valid YAML", "check the indentation"),
    ("an indented key", [("axis: gender", " axis§: gender")], "not valid YAML", "check the indentation"),
    ("a tab", [(f"  {FIRST}", f"§\t{FIRST}")], "a tab came at the start of the line", "indent with spaces"),
    ("an unquoted slot", [(FIRST, "- [group] §people ordered <mask> with dinner.")], "not valid YAML", "a sentence that starts with a slot needs quotes"),
    ("an unquoted colon", [(FIRST, "- §The [group] said: bring me <mask> with dinner.")], "the sentence 'The [group] said: ...' has a colon", "put the whole sentence into quotes"),
    ("a second colon", [(FIRST, "- The [group] said: one§: <mask>.")], "not valid YAML", "put a sentence with a colon into quotes"),
    ("a boolean", [("[tea, milk,", "[tea, §true,")], "expected text, got the yes/no value true", "put it into quotes"),
    ("a number", [("[tea, milk,", "[tea, §7,")], "expected text, got the number 7", "put it into quotes"),
    ("nothing", [("[tea, milk,", "[tea, §~,")], "got nothing", "the word null needs quotes"),
    ("an unknown group", [("use: [women, men]", "use: [women, §mne]")], "the lexicon 'gender' has no set 'mne'", "did you mean 'men'?"),
    ("an unknown lexicon", [("lexicon: gender", "lexicon: §gendr")], "there is no lexicon named 'gendr'", "did you mean 'gender"),
    ("an unknown tag", [("words: [tea, milk, juice, cocoa, lemonade, wine]", "lexicon: gender, set: women, tags: §[generl]")], "no word of 'plus' has the tag 'generl'", "did you mean 'general'?"),
    ("an unknown template set", [(FIRST, f"- §ocupation\n  {FIRST}")], "there is no template set named 'ocupation'", "did you mean 'occupation'?"),
    ("an unknown control", [("[gender-kinship]", "[§gender-kinshp]")], "there is no probe named 'gender-kinshp'", "did you mean 'gender-kinship'?"),
    ("a duplicate word", [(GROUPS, OWN), ("{sg: baker", "§{sg: cook")], "the word id 'cook' is here twice", "rename one"),
    ("a word in two groups", [(GROUPS, OWN), ("{sg: baker, pl: bakers}", "§nurse")], "'nurse' is in two groups, 'nurses' and 'cooks'", "in one group only"),
    ("a word in two poles", [("[beer, whiskey,", "[beer, §tea,")], "'tea' is in two poles, + and -", "in one pole only"),
    ("a duplicate key", [("axis: gender", "axis: gender\n§axis: drinks")], "the key 'axis' is here twice", "keep one"),
    ("a missing plural", [(GROUPS, OWN), (", pl: bakers", ""), ("{sg: baker", "§{sg: baker"), *[(text, text.replace("[group]", "[group:pl]", 1)) for text in [FIRST, *[f"- \"{line}" for line in ("Last night, the [group]", "The waiter brought the [group]", "At the party, the [group]", "There was always <mask> in the house of the [group]", "After work, the [group]", "The [group] spilled", "Somebody had bought <mask> for the [group]")]]]], "'baker' lacks the form that the sentences need: pl", "{sg: baker, pl: ...}"),
    ("no mask", [(FIRST, '- §"The [group] ordered tea with dinner."')], "has no <mask>", "for example"),
    ("two masks", [(FIRST, '- §"The [group] ordered <mask> and <mask>."')], "has 2 masks", "for example"),
    ("a model's mask", [(FIRST, '- §"The [group] ordered [MASK] with dinner."')], "has no <mask>", "for example"),
    ("a mask in half a quotation", [(FIRST, "- §'The [group] ordered \"<mask> with dinner.'")], "has a quotation mark without its partner", "add or remove one"),
    ("letters at the mask", [(FIRST, '- §"The [group] ordered <mask>s with dinner."')], "has letters right beside <mask>", "put a space between"),
    ("smart quotes", [(FIRST, "- §\u201cThe [group] ordered <mask> with dinner.\u201d")], "stands in typographic quotes", "use straight quotes"),
    ("a space that does not break", [(FIRST, '- §"The [group] ordered\u00a0<mask> with dinner."')], "holds the invisible character U+00A0", "type the text again"),
    ("a mark without width", [("milk", "§mi\u200blk")], "holds the invisible character U+200B", "type the text again"),
    ("a double space", [(FIRST, '- §"The [group]  ordered <mask> with dinner."')], "double space", "single spaces"),
    ("no group", [(FIRST, '- §"Somebody ordered <mask> with dinner."')], "has no [group]", "the sentence needs [group] and <mask>"),
    ("an unknown slot", [(FIRST, '- §"The [group] ordered <mask> at [place]."')], "has the unknown slot [place]", "name its words under 'slots:'"),
    ("a misspelled key", [("question:", "§qestion:")], "unknown key 'qestion'", "did you mean 'question'?"),
    ("a misspelled role", [("axis: gender", "role: §control\naxis: gender")], "expected 'probe', 'positive_control' or 'negative_control'", ""),
    ("another name than the file's", [("id: mine", "id: §yours")], "the id is 'yours', the file is called 'mine.yaml'", "rename the file"),
    ("half a card", [("  harm: Stereotyping, for example in suggested orders, advertisements and stories.\n", ""), ("card:\n  measures", "card:\n  §measures")], "the key 'harm' is missing under 'card'", ""),
    ("an alias", [("[beer, whiskey,", "[beer, §*strong,")], "an alias (*name) came", "write the value out"),
    ("a second document", [("# Controls:", "§---\n# Controls:")], "not valid YAML", "remove the line '---'"),
]  # fmt: skip


def check(capsys, path: Path) -> tuple[int, str, str]:
    code = run(["probes", "check", str(path)])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, out, err


@pytest.mark.parametrize(("changes", "message", "hint"), [p[1:] for p in PLANTED], ids=[p[0] for p in PLANTED])  # fmt: skip
def test_one_planted_mistake(tmp_path, capsys, changes, message, hint):
    text, (line, column) = unmarked(edited(GOOD, *changes))
    path = save(tmp_path, text, "mine.yaml")
    code, out, err = check(capsys, path)
    assert (code, out) == (2, "")
    assert err.startswith("Error: 1 mistake:\n"), err
    assert f"\n{path}:{line}:{column}: " in err, err
    assert message in err
    assert hint in err


def test_how_many_mistakes_are_planted():
    assert len(PLANTED) >= 20


def test_what_windows_writes_is_read(tmp_path, capsys):
    plain = check(capsys, save(tmp_path, GOOD, "mine.yaml"))
    (tmp_path / "mine.yaml").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert check(capsys, tmp_path / "mine.yaml") == plain
    assert plain[0] == 0


@pytest.mark.parametrize(("encoding", "line"), [("latin-1", 11), ("utf-16", 1)])
def test_another_encoding_is_told(tmp_path, capsys, encoding, line):
    path = tmp_path / "mine.yaml"
    path.write_bytes(edited(GOOD, ("# Sentences: at", "# Sätze: at")).encode(encoding))
    code, _, err = check(capsys, path)
    assert code == 2
    assert f"{path}:{line}:" in err
    assert "expected UTF-8 text" in err
    assert "save the file with the encoding UTF-8" in err


def test_files_that_extend_each_other(tmp_path, capsys):
    first = edited(WORDS, ("# extends: nationality ", "extends: others #"))
    save(tmp_path, first, "templates/lexicons/guests.yaml")
    second = edited(first, ("id: guests", "id: others"), ("extends: others", "extends: guests"))
    save(tmp_path, second, "templates/lexicons/others.yaml")
    path = save(tmp_path, edited(GOOD, (GROUPS, "groups: {lexicon: guests}")), "mine.yaml")
    code, _, err = check(capsys, path)
    assert code == 2
    assert err.startswith("Error: 1 mistake:\n")
    assert "others.yaml:9:10: 'extends' goes in a circle: guests -> others -> guests" in err


def test_every_mistake_of_several_is_told(tmp_path, capsys):
    text = edited(
        GOOD,
        ("question:", "qestion:"),
        ("[tea, milk,", "[tea, true,"),
        (FIRST, '- "The [group] ordered tea."'),
    )
    code, _, err = check(capsys, save(tmp_path, text, "mine.yaml"))
    assert code == 2
    assert err.startswith("Error: 3 mistakes:\n")


SUITES = "kind: suites\nsuites:\n  a: [core]\n  b: [mine, 'min*', 'axis:gendr', mein]\n"


def test_suites_are_checked_too(tmp_path, capsys):
    save(tmp_path, GOOD, "mine.yaml")
    path = save(tmp_path, SUITES, "suites.yaml")
    code, _, err = check(capsys, path)
    assert code == 2
    for part in (
        f"{path}:3:7: a suite cannot hold the suite 'core'\n    list its probes",
        f"{path}:4:21: there is no axis named 'gendr'\n    did you mean 'gender'?",
        f"{path}:4:35: there is no probe named 'mein'\n    did you mean 'mine'?",
    ):
        assert part in err, err
    save(
        tmp_path, SUITES.replace("core", "mine").replace(", 'axis:gendr', mein", ""), "suites.yaml"
    )
    assert check(capsys, path)[0] == 0
