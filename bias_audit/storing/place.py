"""Where the score store lies."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "BIAS_AUDIT_CACHE"
"""Environment variable: a folder, or ``off``."""
OFF = ("off", "0", "no", "none")
NAME = "scores.sqlite"


def default_folder(environment: Mapping[str, str] | None = None) -> Path | None:
    """Return the folder of the store; None where there is none or it is switched off."""
    env = os.environ if environment is None else environment
    named = env.get(VARIABLE, "").strip()
    if named:
        return None if named.casefold() in OFF else _expanded(named)
    xdg = Path(env.get("XDG_CACHE_HOME", ""))
    if xdg.is_absolute():
        return xdg / "bias-audit"
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "bias-audit"
    if sys.platform == "win32":
        return Path(env.get("LOCALAPPDATA") or home / "AppData" / "Local") / "bias-audit" / "Cache"
    return home / ".cache" / "bias-audit"


def _expanded(named: str) -> Path | None:
    try:
        return Path(named).expanduser()
    except RuntimeError:  # ~name of nobody
        return None


def switched_off(environment: Mapping[str, str] | None = None) -> bool:
    """Whether the environment says that nothing is kept."""
    env = os.environ if environment is None else environment
    return env.get(VARIABLE, "").strip().casefold() in OFF
