"""The reader of YAML 1.2: words stay words, and what is not plain data is refused with a place."""

# ruff: noqa: E501 - tables of cases read better in one line each

from __future__ import annotations

import pytest
from pydantic import BaseModel

from bias_audit.errors import FileError, visible
from bias_audit.probes.schema.lexicon import Lexicon
from bias_audit.probes.schema.probe import ProbeSpec
from bias_audit.utils.yaml import MAX_BYTES, file_kind, parse_yaml, read_yaml
from tests.probes.helpers import MARK, TEA, edited, save, unmarked


class Bag(BaseModel):
    """Takes anything."""

    a: object = None


def values(text: str) -> object:
    return parse_yaml(f"a: {text}", Bag, "x.yaml").a


def refused(text: str):
    """The only mistake of a YAML text, which must be at its mark, if it has one."""
    place = None
    if MARK in text:
        text, place = unmarked(text)
    with pytest.raises(FileError) as caught:
        parse_yaml(text, Bag, "x.yaml")
    assert len(caught.value.problems) == 1, str(caught.value)
    found = caught.value.problems[0]
    if place is not None:
        assert (found.line, found.column) == place, str(found)
    return found


@pytest.mark.parametrize("word", ["no", "No", "NO", "on", "yes", "off", "y", "n", "he", "On", "1_000", "2024-01-31", "1:30", "0x1F", "0o17", ".inf", ".nan", "1e999", "=", "<<", "12 apes", "-", "None", "nil", "Nan"])  # fmt: skip
def test_words_stay_words(word):
    assert values(f"[{word}]") == [word]


@pytest.mark.parametrize(("text", "value"), [("true", True), ("False", False), ("TRUE", True), ("null", None), ("Null", None), ("~", None), ("", None), ("012", 12), ("-3", -3), ("1.5", 1.5), ("1e3", 1000.0), ("'012'", "012"), ('"true"', "true"), ("'null'", "null"), ("!!str 012", "012")])  # fmt: skip
def test_plain_values(text, value):
    found = values(text)
    assert found == value
    assert type(found) is type(value)


SYNTAX = [
    ("slot in a list", "a:\n  - [group] §worked as a <mask>.\n", "a sentence that starts with a slot needs quotes"),
    ("slot after a key", "a: [group] §worked as a <mask>.\n", "a sentence that starts with a slot needs quotes"),
    ("slot inside braces", "a:\n  - {id: x, text: [group] §worked as a <mask>.}\n", "a sentence that starts with a slot needs quotes"),
    ("colon in a sentence", "a: We asked§: who is the <mask>?\n", "put a sentence with a colon into quotes"),
    ("tab after a dash", "a:\n  -§\t- b\n", "does not allow tabs"),
    ("open quote", 'a: "open\nb: 1§', "check the indentation, the quotes and the brackets"),
    ("open bracket", "a: [b, c\n§", "check the indentation, the quotes and the brackets"),
    ("typographic quotes in braces", "a:\n  - {id: x, text: “The §[group] is a <mask>.”}\n", "use straight quotes"),
    ("open bracket and no more", "a: [\n§", "check the indentation"),
    ("only an open bracket", "[\n§", "check the indentation"),
    ("two anchors of one name", "a: &x [&x b, §: ]]", "check the indentation"),
    ("second document", "a: 1\n§---\na: 2\n", "write one document for each file"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "hint"), [s[1:] for s in SYNTAX], ids=[s[0] for s in SYNTAX])
def test_syntax(text, hint):
    found = refused(text)
    assert found.message.startswith("not valid YAML: ")
    assert hint in found.hint


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("a: &x [1]\nb: §*x\n", "an alias (*name) came", "write the value out; aliases are refused"),
        ("a: §*nobody\n", "an alias (*name) came", "write the value out"),
        ("a: &x [§*x]\n", "an alias (*name) came", "write the value out"),
        ("&k a: 1\n§*k : 2\n", "an alias (*name) came", "write the value out"),
        ("a: §!!python/object:os.system ls\n", "the tag !!python/object:os.system came", "remove it; only plain values are read"),
        ("a: §!!python/object/apply:os.system [ls]\n", "the tag !!python/object/apply:os.system came", "remove it"),
        ("a: §!mine {b: 1}\n", "the tag !mine came", "remove it"),
        ("a: §!!set {b, c}\n", "the tag !!set came", "remove it"),
        ("a: §!!binary aGk=\n", "the tag !!binary came", "remove it"),
        ("§%YAML 1.1\n---\na: no\n", "a directive (%...) came", "remove it; files are YAML 1.2"),
        ("§%YAML 1.3\n---\na: no\n", "a directive (%...) came", "remove it"),
        ("# x\n§%TAG ! tag:x,2000:\n---\na: no\n", "a directive (%...) came", "remove it"),
        ("? §[a, b]\n: 1\n", "expected a name before the colon", "quote text with brackets"),
        ("a: 1\n§a: 2\n", "the key 'a' is here twice", "first on line 1; keep one"),
        ("a:\n§\tb: 1\n", "a tab came at the start of the line", "indent with spaces; YAML does not allow tabs"),
        ("a:\n  - b\n §\t- c\n", "a tab came at the start of the line", "indent with spaces"),
        ("§- a\n- b\n", "expected 'key: value' lines at the top, got a list", "begins with 'kind: probe'"),
        ("§", "expected 'key: value' lines at the top, got nothing", "begins with 'kind: probe'"),
        ("§# only a comment\n", "expected 'key: value' lines at the top, got nothing", "begins with 'kind: probe'"),
        ("§just text\n", "expected 'key: value' lines at the top, got one value", "begins with"),
        ("a: 1\nb: x§\x07y\n", "the control character U+0007 came", "write it as an escape inside double quotes"),
        ("a: 1\r\nb: x§\x00y\r\n", "the control character U+0000 came", "write it as an escape"),
        ('a: "\\Uffffffff"\n', "is not YAML: ", ""),
    ],
)  # fmt: skip
def test_what_is_refused(text, message, hint):
    found = refused(text)
    assert message in found.message
    assert hint in found.hint


def test_a_bomb_of_aliases_does_not_grow():
    lines = ["a: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"b{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    with pytest.raises(FileError) as caught:
        parse_yaml("\n".join(lines), Bag, "x.yaml")
    assert len(caught.value.problems) == 72
    assert {p.message for p in caught.value.problems} == {"an alias (*name) came"}


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000, "- " * 5000, "\n".join(" " * i + "a:" for i in range(1500))], ids=["lists", "keys", "dashes", "lines"])  # fmt: skip
def test_deep_nesting_is_a_mistake_not_a_crash(text):
    found = refused(f"a: {text}" if text[0] in "[{" else text)
    assert found.message == "is nested too deeply"


def test_nesting_that_yaml_survives_is_refused_by_the_model():
    deep = "[" * 60 + "]" * 60
    with pytest.raises(FileError) as caught:
        parse_yaml(edited(TEA, ("tea, milk", deep)), ProbeSpec, "x.yaml")
    assert "expected text" in caught.value.problems[0].message


def test_unpaired_surrogates_are_refused():
    with pytest.raises(FileError) as caught:
        parse_yaml(edited(TEA, ("tea, milk", '"\\ud800"')), ProbeSpec, "x.yaml")
    (found,) = caught.value.problems
    assert (found.line, found.message) == (12, "half of a surrogate pair came")
    assert found.hint == "write the character itself"
    assert values('"\\ud83c\\udf75"') == "\U0001f375"


def test_messages_show_control_characters():
    text = edited(TEA, ("title:", '"\\x1b[31m\\u202e": 1\ntitle:'))
    with pytest.raises(FileError) as caught:
        parse_yaml(text, ProbeSpec, "x.yaml")
    assert "\x1b" not in str(caught.value)
    assert "\\x1b[31m\\u202e" in str(caught.value)
    assert visible("naïve \u201ctea\u201d\u00a0\n") == "naïve \u201ctea\u201d\u00a0\\n"


def test_byte_order_mark_and_crlf_change_nothing(tmp_path):
    plain = read_yaml(save(tmp_path, TEA), ProbeSpec)
    windows = tmp_path / "windows" / "tea.yaml"
    windows.parent.mkdir()
    windows.write_bytes(b"\xef\xbb\xbf" + TEA.replace("\n", "\r\n").encode())
    assert read_yaml(windows, ProbeSpec) == plain
    windows.write_bytes(TEA.replace("axis:", "axes:").replace("\n", "\r\n").encode())
    with pytest.raises(FileError) as caught:
        read_yaml(windows, ProbeSpec)
    assert [(p.line, p.column, p.hint) for p in caught.value.problems][1:] == [
        (4, 1, "did you mean 'axis'?")
    ]


@pytest.mark.parametrize(("encoding", "place"), [("latin-1", (3, 13)), ("utf-16", (1, 1))])
def test_wrong_encoding(tmp_path, encoding, place):
    path = tmp_path / "tea.yaml"
    path.write_bytes(edited(TEA, ("Tea and", "Tea: é and")).encode(encoding))
    with pytest.raises(FileError) as caught:
        read_yaml(path, ProbeSpec)
    (found,) = caught.value.problems
    assert found.message.startswith("expected UTF-8 text, got the byte 0x")
    assert found.hint == "save the file with the encoding UTF-8"
    assert (found.line, found.column) == place


def test_files_that_cannot_be_read(tmp_path):
    big = tmp_path / "big.yaml"
    big.write_bytes(b"#" * (MAX_BYTES + 1))
    for path, message in (
        (tmp_path / "none.yaml", "cannot be read: No such file or directory"),
        (tmp_path, "cannot be read: Is a directory"),
        (big, "is longer than 2,000,000 bytes, the most that is read"),
    ):
        with pytest.raises(FileError) as caught:
            read_yaml(path, ProbeSpec)
        (found,) = caught.value.problems
        assert (found.file, found.line, found.message) == (str(path), 0, message)
        assert str(caught.value).startswith(f"1 mistake:\n{path}: {message}")


def test_the_largest_file_is_still_read(tmp_path):
    path = save(tmp_path, TEA + "#" * (MAX_BYTES - len(TEA)))
    assert read_yaml(path, ProbeSpec).id == "tea"


def test_kind_of_a_file():
    known = ("lexicon", "probe", "templates")
    assert file_kind(TEA, "x", known) == "probe"
    assert file_kind("{'kind': lexicon, id: x}", "x", known) == "lexicon"
    for text, line, message, hint in (
        ("id: x", 1, "the key 'kind' is missing", "one of: lexicon, probe, templates"),
        ("id: x\nkind: lexcon", 2, "there is no kind of file named 'lexcon'", "did you mean 'lexicon'?"),
        ("id: x\nkind: 7", 2, "there is no kind of file named '7'", "one of: lexicon, probe, templates"),
        ("id: x\nkind:", 2, "there is no kind of file named 'None'", "one of:"),
    ):  # fmt: skip
        with pytest.raises(FileError) as caught:
            file_kind(text, "x", known)
        (found,) = caught.value.problems
        assert (found.line, found.message) == (line, message)
        assert hint in found.hint


def test_mistakes_of_a_lexicon_have_places():
    text = "kind: lexicon\nid: x\ntitle: X\nsets:\n  a:\n    entries: [b]\n    hedas: [c]\n  d: [e, e]\n"
    with pytest.raises(FileError) as caught:
        parse_yaml(text, Lexicon, "x.yaml")
    assert [(p.line, p.column, p.hint) for p in caught.value.problems] == [
        (7, 5, "did you mean 'heads'?"),
        (8, 10, "rename one of them"),
    ]
