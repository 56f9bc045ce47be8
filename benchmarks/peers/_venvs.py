"""A virtual environment for each tool, on top of the packages of the running interpreter.

All tools so use the same torch and transformers, and what one of them needs besides never meets the
others.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements")
ALONE = ("minicons", "mlm-bias")
"""Tools that are installed without what they ask for: see their requirements files."""


def interpreter(tool: str, folder: Path) -> Path:
    """The interpreter that runs a tool.

    Raises:
        RuntimeError: the tool could not be installed; with the last line of the reason.
    """
    wanted = REQUIREMENTS / f"{tool}.txt"
    if not wanted.exists():
        return Path(sys.executable)
    place = folder / tool
    python = place / "bin" / "python"
    done = place / "installed.txt"
    if done.exists() and done.read_text(encoding="utf-8") == wanted.read_text(encoding="utf-8"):
        return python
    venv.create(place, with_pip=True, clear=True)
    inside = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    below = f"import site; site.addsitedir({sysconfig.get_paths()['purelib']!r})\n"
    Path(inside.stdout.strip(), "below.pth").write_text(below, encoding="utf-8")
    options = ["--no-deps"] if tool in ALONE else []
    command = [python, "-m", "pip", "install", "-q", *options, "-r", wanted]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    if ran.returncode:
        raise RuntimeError(f"not installed: {last_line(ran.stderr)}")
    done.write_text(wanted.read_text(encoding="utf-8"), encoding="utf-8")
    return python


def last_line(text: str) -> str:
    """The last line that says something, cut to a readable length."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (lines[-1] if lines else "no message")[:160]
