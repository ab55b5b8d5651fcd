"""Starts the child process: `python -m connector.engine JOB.json`."""

import sys
from pathlib import Path

from connector.engine.child import main

sys.exit(main(Path(sys.argv[1])))
