"""The counting process: `python -m connector.report`, told on stdin what to count."""

import sys

from connector.report.parts import help_counting

help_counting(sys.stdin.buffer, sys.stdout.buffer)
