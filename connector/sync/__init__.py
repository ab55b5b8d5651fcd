"""The loop: pull, resolve, collect, score, decide, plan, apply; one file per step."""
