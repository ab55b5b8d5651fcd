"""Behind a pull: pages into the store, and the other ways to hear of a change."""
