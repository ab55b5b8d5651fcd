"""Remote names and values <-> ours. Pure: documents and rows in, records out."""
