"""``python -m bias_audit``: the command line."""

from bias_audit.cli import main

if __name__ == "__main__":
    main()
