"""Practice CRMs: local servers that answer as the vendors' documents say theirs do.

They are written from those documents alone and know nothing of our adapters, so that where the two
disagree, one of them has misread the vendor. State lives in memory and ends with the process.
"""
