"""Rules as code: what a model may say, how it becomes columns, and how a score is explained. Pure."""
