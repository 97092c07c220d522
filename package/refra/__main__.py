"""Run the command line as `python -m refra`."""

from __future__ import annotations

from refra.inference.cli import main

if __name__ == "__main__":
    main()
