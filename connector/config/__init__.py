"""leadloop.yaml and the secrets it names."""
