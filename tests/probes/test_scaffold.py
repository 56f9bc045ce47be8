"""``bias-audit probes new``: files that work at once, in the right place, with their schema."""

from __future__ import annotations

import pytest

from bias_audit.cli.app import run
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.expand import expand
from bias_audit.probes.json_schema import MODELINE
from bias_audit.probes.schema.lexicon import Lexicon, TemplateSet
from bias_audit.utils.resources import data_dir
from bias_audit.utils.yaml import read_yaml


@pytest.fixture
def new(tmp_path, monkeypatch, capsys):
    """Runs ``probes new`` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*args):
        code = run(["probes", "new", *map(str, args)])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return call


def test_a_new_probe_can_be_judged_at_once(new, tmp_path, capsys):
    code, out, err = new("who-drinks-what")
    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == ["wrote who-drinks-what.yaml", "wrote schemas/probe.json"]
    assert "bias-audit run -p who-drinks-what --probe-path . -o audit" in out
    probe = ProbeCatalogue([tmp_path]).probe("who-drinks-what")
    assert len(probe.frames) >= 8
    assert probe.spec.card is not None
    assert probe.spec.controls.positive
    assert expand(probe).skips == ()
    assert run(["probes", "check", "who-drinks-what.yaml"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "who-drinks-what: 8 sentences, 16 group words, 12 targets, 1,664 prompts",
        "1 file without a mistake",
    ]


@pytest.mark.parametrize(
    ("kind", "place", "model"),
    [("templates", "templates", TemplateSet), ("lexicon", "templates/lexicons", Lexicon)],
)
def test_new_sentences_and_words(new, tmp_path, kind, place, model):
    code, out, _ = new("my-own", "--kind", kind)
    assert code == 0
    assert f"wrote {place}/my-own.yaml\nwrote schemas/{kind}.json\n" in out
    assert read_yaml(tmp_path / place / "my-own.yaml", model).id == "my-own"
    assert run(["probes", "check", str(tmp_path)]) == 0


def test_the_schema_is_written_once_and_found_again(new, tmp_path):
    (tmp_path / "probes").mkdir()
    _, out, _ = new("one")
    assert out.startswith("wrote probes/one.yaml\nwrote schemas/probe.json\n")
    shipped = (data_dir("schemas") / "probe.json").read_text()
    assert (tmp_path / "schemas" / "probe.json").read_text() == shipped
    _, out, _ = new("two")
    assert out.startswith("wrote probes/two.yaml\nNext:")
    line = f"{MODELINE}../schemas/probe.json\nkind: probe\n"
    for name in ("one", "two"):
        assert line in (tmp_path / "probes" / f"{name}.yaml").read_text()
    _, out, _ = new("three", "-o", "here/deep")
    assert (
        f"{MODELINE}../../schemas/probe.json\n" in (tmp_path / "here/deep/three.yaml").read_text()
    )


def test_a_copy_of_a_probe(new, tmp_path):
    assert new("occupation-nurses", "--like", "occupation-gender")[0] == 0
    catalogue = ProbeCatalogue([tmp_path])
    copy, old = catalogue.probe("occupation-nurses"), catalogue.probe("occupation-gender")
    assert copy.spec.version == 1
    assert [f.template for f in copy.frames] == [f.template for f in old.frames]
    text = (tmp_path / "occupation-nurses.yaml").read_text()
    assert text.startswith("# Begun as a copy of occupation-gender;")
    assert text.count(MODELINE) == 1
    assert "occupation-gender" not in text.split("kind: probe")[1].split("title:")[0]


@pytest.mark.parametrize(
    ("args", "message", "hint"),
    [
        (["Who Drinks"], "'Who Drinks' cannot be an id", "for example who-drinks"),
        (["§§"], "cannot be an id", "for example who-drinks-what"),
        (["occupation-gender"], "the name 'occupation-gender' is taken", "my-occupation-gender"),
        (["core"], "the name 'core' is taken", "my-core"),
        (["gender", "--kind", "lexicon"], "the name 'gender' is taken", "my-gender"),
        (["x", "--like", "occupation-gendr"], "there is no probe named", "'occupation-gender'?"),
        (["x", "--kind", "lexicon", "--like", "y"], "--like copies a probe", "'extends'"),
    ],
)
def test_mistakes(new, tmp_path, args, message, hint):
    code, out, err = new(*args)
    assert (code, out) == (2, "")
    assert message in err
    assert hint in err
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(new, tmp_path):
    (tmp_path / "mine.yml").write_text("kept")
    code, _, err = new("mine")
    assert code == 2
    assert "mine.yml is there already" in err
    assert (tmp_path / "mine.yml").read_text() == "kept"


def test_words_and_sentences_are_listed(capsys):
    assert run(["probes", "words"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert next(row for row in rows if row.startswith("gender ")).split(": ")[1].startswith("women")
    assert run(["probes", "words", "gender"]) == 0
    assert "  woman / women [general, plain]" in capsys.readouterr().out.splitlines()
    assert run(["probes", "sentences"]) == 0
    assert "worship" in capsys.readouterr().out
    assert run(["probes", "sentences", "occupation"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].split(maxsplit=1) == ["worked-as", "The [group] worked as a <mask>."]
    for command in ("words", "sentences"):
        assert run(["probes", command, "occupatoin"]) == 2
        assert "did you mean 'occupation" in capsys.readouterr().err


def test_the_probe_of_the_walk_through_can_be_judged(tmp_path, capsys):
    page = (data_dir("schemas").parent / "docs" / "adding-a-probe.md").read_text()
    text = page.split("<!-- file evenings-age.yaml -->\n```yaml\n")[1].split("```")[0]
    path = tmp_path / "evenings-age.yaml"
    path.write_text(text)
    assert run(["probes", "check", str(path)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out == [
        "evenings-age: 10 sentences, 18 group words, 12 targets, 2,340 prompts",
        "1 file without a mistake",
    ]
    assert out[0] in page
    probe = ProbeCatalogue(files=[path]).probe("evenings-age")
    assert probe.spec.card is not None
    assert expand(probe).skips == ()
