"""The command line: parses and calls, decides nothing. Each command has its own file.

Commands are imported when they are called, so that ``--help`` starts without torch or pandas.
"""

from bias_audit.cli.app import main

__all__ = ["main"]
