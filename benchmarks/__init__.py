"""How fast Leadloop is, beside the physical floor and beside others, in one run.

    make bench                              every part, one table each
    python -m benchmarks.pull --rows 500000

Each contestant runs in a process of its own; its CPU seconds (user and system, its children's too)
and its peak memory come from the kernel. Wall time depends on the machine's other work: compare
CPU seconds and ratios. What was done is verified afterwards, or the figures mean nothing.
"""
