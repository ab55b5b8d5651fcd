"""From outcomes to points people can read. Needs the extra `learn`; scoring never does."""
