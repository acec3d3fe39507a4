"""What the product can do, in figures. ``python -m benchmarks [NAME …]`` runs them and writes docs/benchmarks.md.

One file a benchmark, found by its presence: ``TITLE`` and ``run() -> Markdown``; ``run`` returns None, with the
reason printed, where its data are not there.
"""
