"""How the catalogue finds files, selects probes and knows names."""

# ruff: noqa: E501 - tables of cases read better in one line each

from __future__ import annotations

import pytest

from bias_audit.errors import FileError, UnknownNameError, UsageError, nearest
from bias_audit.probes.catalogue import ProbeCatalogue
from tests.probes.helpers import SENTENCES, TEA, WORDS, edited, joined, save


def test_nearest_spelling():
    assert nearest("ocupation", ["occupation", "valence"]) == "occupation"
    assert nearest("xyz", ["occupation", "valence"]) is None


def test_unknown_names():
    catalogue = ProbeCatalogue()
    for get, name, message, hint in (
        (catalogue.probe, "occupation-gendr", "probe", "did you mean 'occupation-gender'?"),
        (catalogue.lexicon, "trait", "lexicon", "did you mean 'traits'?"),
        (catalogue.template_set, "traits", "template set", "did you mean 'trait'?"),
        (catalogue.lexicon, "qqqqqq", "lexicon", "known: "),
    ):
        with pytest.raises(UnknownNameError) as caught:
            get(name)
        assert caught.value.message == f"there is no {message} named '{name}'"
        assert caught.value.hint.startswith(hint)
        assert caught.value.exit_code == 2


def test_selection():
    catalogue = ProbeCatalogue()
    assert catalogue.select(["gender-kinship"]) == ["gender-kinship"], "a control may be named"
    assert catalogue.select(["occupation-[gp]*r", "*-pronoun"]) == ["occupation-gender", "occupation-pronoun"]  # fmt: skip
    assert catalogue.select(["valence-[nr]*i*g*"]) == ["valence-religion"]
    assert catalogue.select(["occupation-gende?"]) == ["occupation-gender"]
    assert catalogue.select(["core"], ["trait-*", "valence-*"]) == ["occupation-gender", "occupation-pronoun"]  # fmt: skip
    assert catalogue.select(["occupation-gender"], ["*"]) == []
    for wanted, excluded in (
        (["ocupation-gender"], []),
        (["*"], ["valance-*"]),
        (["*-hours"], []),
        (["cor"], []),
        (["axis:relligion"], []),
        (["language:tlh"], []),
    ):
        with pytest.raises(UnknownNameError):
            catalogue.select(wanted, excluded)


def test_selection_by_suite_axis_and_language(tmp_path):
    save(tmp_path, TEA.replace("axis: drinks", "axis: drinks\nlanguage: fr"))
    catalogue = ProbeCatalogue([tmp_path])
    assert catalogue.select() == catalogue.select(["core"])
    assert len(catalogue.select()) == 6
    religion = catalogue.select(["axis:religion"])
    assert "valence-religion" in religion
    assert {catalogue.probe_spec(name).axis for name in religion} == {"religion"}
    assert {catalogue.probe_spec(name).role for name in religion} == {"probe"}
    assert catalogue.select(["language:fr"]) == ["tea"]
    assert "tea" not in catalogue.select(["full"])
    full = set(catalogue.select(["full", "labels"]))
    assert set(catalogue.select(["language:en-us"])) == full
    assert "tea" not in catalogue.select(["core", "tea"], ["language:fr"])
    assert not set(religion) & set(catalogue.select(["full"], ["axis:religion"]))
    with pytest.raises(UsageError) as caught:
        catalogue.select(["axis:drinks"])
    assert caught.value.hint == "name the probes, or write language:fr"
    for selector, hint in (
        ("axis:relligion", "did you mean 'religion'?"),
        ("ful", "did you mean 'full'?"),
    ):
        with pytest.raises(UnknownNameError) as unknown:
            catalogue.select([selector])
        assert unknown.value.hint == hint


SUITES = """\
kind: suites
suites:
  mine: {probes: ["te*", "axis:drinks", occupation-gender], exclude: [trait-*]}
  quick: [tea]
"""


def test_suites_of_the_user(tmp_path):
    save(tmp_path, TEA)
    path = save(tmp_path, SUITES, "suites.yaml")
    for catalogue in (ProbeCatalogue([tmp_path]), ProbeCatalogue(files=[tmp_path / "tea.yaml"])):
        assert catalogue.select(["mine"]) == ["occupation-gender", "tea"]
        assert catalogue.select(["quick"]) == ["tea"], "the user's suite replaces the shipped one"
        assert len(catalogue.select(["core"])) == 6
        assert "suites" not in catalogue.probe_ids()
    save(tmp_path, SUITES.replace("quick", "tea"), "suites.yaml")
    with pytest.raises(FileError) as caught:
        ProbeCatalogue([tmp_path]).suites()
    (found,) = caught.value.problems
    assert (found.file, found.line, found.column) == (str(path), 4, 8)
    assert found.message.startswith("a suite cannot be called 'tea': ")
    save(tmp_path, SUITES.replace("[tea]", "[teas]"), "suites.yaml")
    with pytest.raises(UnknownNameError, match="no probe named 'teas'"):
        ProbeCatalogue([tmp_path]).select(["quick"])


def test_groups_narrowed_for_a_suite(tmp_path):
    catalogue = ProbeCatalogue().with_groups({"axis:religion": ("muslim", "christian")})
    assert [g.id for g in catalogue.probe("valence-religion").groups] == ["muslim", "christian"]
    assert len(catalogue.probe("valence-nationality").groups) > 2


def test_naming_one_probe_reads_no_other(tmp_path):
    save(tmp_path, TEA)
    save(tmp_path, "kind: [", "broken.yaml")
    catalogue = ProbeCatalogue([tmp_path])
    assert catalogue.select(["tea"]) == ["tea"]
    with pytest.raises(FileError):
        catalogue.select()


def test_own_folders_come_before_the_shipped_ones(tmp_path):
    own = TEA.replace("id: tea", "id: occupation-gender")
    assert joined(tmp_path, own, "occupation-gender").spec.axis == "drinks"
    save(tmp_path, SENTENCES.replace("id: sounds", "id: occupation"), "templates/occupation.yaml")
    save(tmp_path, WORDS.replace("id: animals", "id: traits"), "templates/lexicons/traits.yaml")
    catalogue = ProbeCatalogue([tmp_path])
    assert catalogue.template_set("occupation").title == "Sounds"
    assert catalogue.lexicon("traits").title == "Animals"
    assert ProbeCatalogue().lexicon("traits").title != "Animals"


def test_templates_may_lie_beside_the_probes_and_both_endings_are_read(tmp_path):
    save(tmp_path, WORDS, "templates/lexicons/animals.yml")
    path = save(tmp_path, TEA, "probes/tea.yml")
    for catalogue in (ProbeCatalogue([tmp_path / "probes"]), ProbeCatalogue(files=[path])):
        assert catalogue.lexicon("animals").title == "Animals"
        assert catalogue.probe("tea").spec.title == "Tea and coffee"


def test_files_and_folders_may_be_named_in_text(tmp_path):
    path = save(tmp_path, TEA, "probes/tea.yaml")
    save(tmp_path, WORDS, "more/lexicons/animals.yaml")
    files, folders = [str(path)], [str(path.parent)]
    for catalogue in (
        ProbeCatalogue(folders, template_dirs=[str(tmp_path / "more")]),
        ProbeCatalogue((), files, [str(tmp_path / "more")]),
    ):
        assert catalogue.probe("tea").spec.title == "Tea and coffee"
        assert catalogue.lexicon("animals").title == "Animals"
    assert "tea" in ProbeCatalogue().with_files(files, folders).probe_ids()


def test_the_same_id_in_two_folders_is_a_mistake(tmp_path):
    first, second = save(tmp_path, TEA, "a/tea.yaml"), save(tmp_path, TEA, "b/tea.yaml")
    with pytest.raises(FileError) as caught:
        ProbeCatalogue([tmp_path / "a", tmp_path / "b"]).probe_ids()
    (found,) = caught.value.problems
    assert (found.file, found.line) == (str(second), 1)
    assert found.message == f"the name 'tea' is taken by {first}"
    assert found.hint == "give one of the two files another name and id"
    with pytest.raises(FileError):
        ProbeCatalogue([tmp_path / "a"], [second]).probe_ids()


def test_the_same_file_twice_is_no_mistake(tmp_path, monkeypatch):
    path = save(tmp_path, TEA)
    monkeypatch.chdir(tmp_path.parent)
    catalogue = ProbeCatalogue([tmp_path], [path, path.relative_to(tmp_path.parent)])
    assert catalogue.probe("tea").spec.id == "tea"


def test_unknown_groups_of_a_narrowed_probe():
    for name, known in (("religion-worship", "christian"), ("nationality-homeland", "french")):
        catalogue = ProbeCatalogue().with_groups({name: (known, known + "s")})
        with pytest.raises(UnknownNameError) as caught:
            catalogue.probe(name)
        assert caught.value.message == f"there is no group of {name} named '{known}s'"
        assert caught.value.hint == f"did you mean '{known}'?"


def test_digests_cover_every_file_that_is_used(tmp_path):
    save(tmp_path, WORDS, "templates/lexicons/animals.yaml")
    text = edited(
        TEA,
        (TEA[TEA.index("groups:") : TEA.index("targets:")], "groups: {lexicon: animals}\n"),
        ("title:", "controls: {placebo: quiet}\ntitle:"),
    )
    quiet = "kind: lexicon\nid: quiet\ntitle: Q\nsets:\n  a: [tall one]\n  b: [small one]\n"
    save(tmp_path, quiet, "templates/lexicons/quiet.yaml")
    text = text.replace('"[group] never', '"The [group] never')
    digests = {joined(tmp_path, text).digest}
    assert joined(tmp_path, text).digest in digests
    digests.add(joined(tmp_path, text.replace("Tea and", "Tea or")).digest)
    save(
        tmp_path,
        WORDS.replace("title: Animals", "title: Beasts"),
        "templates/lexicons/animals.yaml",
    )
    digests.add(joined(tmp_path, text).digest)
    save(tmp_path, quiet.replace("title: Q", "title: R"), "templates/lexicons/quiet.yaml")
    digests.add(joined(tmp_path, text).digest)
    assert len(digests) == 4


def test_derived_catalogues_share_what_was_read(monkeypatch):
    catalogue = ProbeCatalogue()
    catalogue.select()
    monkeypatch.setattr(
        "bias_audit.probes.catalogue.read_source", lambda path: pytest.fail(f"read {path} again")
    )
    assert catalogue.with_files([]).with_groups({}).select() == catalogue.select()


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ("min: 4", ["cow", "cat"]),
        ("min: 4, max: 4", ["cow", "cat"]),
        ("max: 2", ["hen"]),
        ("min: 2, max: 3.9", ["hen"]),
    ],
)
def test_the_limits_of_a_pole_are_part_of_it(tmp_path, limits, expected):
    words = edited(WORDS, ("  pets:\n    entries:\n", "")).replace("  - {sg: ant", "  - {sg: gnat")
    words = words.replace("facts: {legs: 6}", "note: nobody counted")
    save(tmp_path, words, "templates/lexicons/animals.yaml")
    pole = f"plus: {{lexicon: animals, set: farm, where: {{fact: legs, {limits}}}}}"
    probe = joined(tmp_path, edited(TEA, ("plus: [tea, milk]", pole)))
    assert [t.word.id for t in probe.targets if t.pole == "+"] == expected
