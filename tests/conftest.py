"""What holds for all tests."""

from __future__ import annotations

import os

from bias_audit.backends.cache import VARIABLE

os.environ[VARIABLE] = "off"  # here and in every process that a test starts
