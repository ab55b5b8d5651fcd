"""Rules as code: what a model may say, and how scores are made and explained. Pure."""
