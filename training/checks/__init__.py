"""The promotion gate: one check a file, each ``check(evidence) -> Finding``, found by its presence."""
