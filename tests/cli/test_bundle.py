"""``bundle`` and ``verify``: names, lines and exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Command


def test_a_run_is_packed_and_verifies(cli: Command, stored_small: Path) -> None:
    code, out, err = cli("bundle", "a")
    assert (code, err) == (0, "")
    place, digest = out.split()[0], out.split()[-1]
    assert place == "a.zip"
    code, out, err = cli("verify", "a.zip", "--sha256", digest)
    assert (code, err) == (0, "")
    assert out.startswith(f"a.zip  intact, sha256 {digest}\n")
    assert "  checked   computed again from evidence.csv.gz: 1 comparisons, " in out
    assert "  not seen  p-values of permutations" in out


def test_a_bundle_that_was_edited_does_not_verify(cli: Command, stored_small: Path) -> None:
    (stored_small / "a" / "mine.txt").write_text("notes", encoding="utf-8")
    code, _, err = cli("bundle", "a", "-o", "out/b.zip")
    assert (code, err) == (0, "Note: left out, since no run wrote it: mine.txt\n")
    content = bytearray((stored_small / "out" / "b.zip").read_bytes())
    place = content.index(b'"estimate"') + 12
    content[place] ^= 1
    (stored_small / "b.zip").write_bytes(content)
    code, out, _ = cli("verify", "b.zip")
    assert code == 1
    assert out.startswith("b.zip  does not verify, sha256 ")
    assert "  changed   results.json: its bytes were changed" in out


def test_what_is_no_bundle_is_wrong_use(cli: Command, stored_small: Path) -> None:
    (stored_small / "c.zip").write_bytes(b"nothing")
    for arguments, said in (
        (["verify", "c.zip"], "c.zip is no bundle of bias-audit: its archive is damaged"),
        (["verify", "none.zip"], "no bundle at none.zip"),
        (["bundle", "none"], "no audit at none"),
    ):
        code, out, err = cli(*arguments)
        assert (code, out) == (2, "")
        assert said in err
    (stored_small / "a" / "evidence.csv.gz").unlink()
    code, _, err = cli("bundle", "a")
    assert code == 2
    assert "a has no evidence.csv.gz" in err
    assert not (stored_small / "a.zip").exists()


@pytest.mark.parametrize("name", ["results.json", "evidence.csv.gz", "report.html"])
def test_no_output_takes_the_place_of_a_file_of_the_run(
    cli: Command, stored_small: Path, name: str
) -> None:
    before = {path.name: path.read_bytes() for path in (stored_small / "a").iterdir()}
    for arguments in (["bundle", "a"], ["compare", "a", "a"]):
        code, out, err = cli(*arguments, "-o", f"a/{name}")
        assert (code, out) == (2, "")
        assert f"-o a/{name} would take the place of a file of the run" in err
    assert {path.name: path.read_bytes() for path in (stored_small / "a").iterdir()} == before
