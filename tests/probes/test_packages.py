"""Probes from installed packages: found by entry points, without running the package's code."""

from __future__ import annotations

import pytest

from bias_audit.errors import FileError, UsageError
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.expand import expand
from bias_audit.probes.search_path import PACKAGES
from tests.probes.helpers import SENTENCES, TEA, WORDS, edited, save

CONTROL = edited(TEA, ("id: tea", "id: tea-control"), ("title:", "role: positive_control\ntitle:"))


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed packages; the package raises when it is imported."""
    folder = tmp_path / "site"
    save(folder, "raise RuntimeError('imported')\n", "drinks/__init__.py")
    metadata = "Metadata-Version: 2.1\nName: drinks-kit\nVersion: 1.0\n"
    save(folder, metadata, "drinks_kit-1.0.dist-info/METADATA")
    points = f"[{PACKAGES}]\ndrinks = drinks.probes\n"
    save(folder, points, "drinks_kit-1.0.dist-info/entry_points.txt")
    monkeypatch.syspath_prepend(str(folder))
    return folder


def test_probes_of_a_package_are_found_and_its_code_does_not_run(site):
    save(
        site, edited(TEA, ("- The [group] asked for <mask>.", "- sounds")), "drinks/probes/tea.yaml"
    )
    save(site, CONTROL, "drinks/probes/controls/tea-control.yaml")
    save(site, SENTENCES, "drinks/probes/templates/sounds.yaml")
    save(site, WORDS, "drinks/templates/lexicons/animals.yaml")
    save(site, "kind: suites\nsuites:\n  drinks: ['tea*']\n", "drinks/probes/suites.yaml")
    catalogue = ProbeCatalogue()
    assert {"tea", "tea-control"} < set(catalogue.probe_ids())
    assert "We heard the girl in an old attic, and it was tea." in {
        p.text for p in expand(catalogue.probe("tea")).prompts
    }
    assert catalogue.lexicon("animals").title == "Animals"
    assert catalogue.select(["drinks"]) == catalogue.select(["axis:drinks"]) == ["tea"]
    assert len(catalogue.select()) == 6


def test_the_user_wins_over_a_package(site, tmp_path):
    save(site, TEA, "drinks/probes/tea.yaml")
    mine = save(tmp_path / "mine", TEA.replace("axis: drinks", "axis: mine"))
    assert ProbeCatalogue(files=[mine]).probe("tea").spec.axis == "mine"


def test_a_package_replaces_nothing_that_is_shipped(site):
    text = TEA.replace("id: tea", "id: occupation-gender")
    path = save(site, text, "drinks/probes/occupation-gender.yaml")
    with pytest.raises(FileError) as caught:
        ProbeCatalogue().select()
    (found,) = caught.value.problems
    assert found.file == str(path)
    assert found.message.startswith("the name 'occupation-gender' is taken by ")
    assert "an installed package adds names and replaces none" in found.hint
    path.rename(path.with_name("suites.yaml"))
    path.with_name("suites.yaml").write_text("kind: suites\nsuites:\n  core: [tea]\n")
    save(site, TEA, "drinks/probes/tea.yaml")
    with pytest.raises(FileError, match="a suite cannot be called 'core'"):
        ProbeCatalogue().select()


def test_a_package_without_its_folder_is_named(site):
    with pytest.raises(UsageError) as caught:
        ProbeCatalogue().probe_ids()
    assert caught.value.message == (
        "the package 'drinks-kit' names 'drinks.probes' as its folder of probes, and there is none"
    )
    assert "the entry point is 'drinks' of the group bias_audit.probes" in caught.value.hint
