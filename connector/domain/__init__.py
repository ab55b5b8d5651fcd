"""The words of Leadloop as frozen values. Nothing here reads a clock, a file or a network."""
