"""The child process: `python -m connector.engine` waits for the path of a job, a line of stdin."""

import sys
from pathlib import Path

from connector.engine.child import main

job = sys.stdin.readline().strip()
sys.exit(main(Path(job)) if job else 0)
