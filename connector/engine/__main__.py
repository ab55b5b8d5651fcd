"""The child process: `python -m connector.engine [DATABASE]` waits for the path of a job.

The path is a line of stdin. DATABASE, such as sqlite, is what the job will read.
"""

import sys
from pathlib import Path

from connector.engine.child import main

if sys.argv[1:]:
    from connector.engine.bulk import driver

    driver(sys.argv[1])
job = sys.stdin.readline().strip()
sys.exit(main(Path(job)) if job else 0)
