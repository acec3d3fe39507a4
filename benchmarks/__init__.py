"""What the product can do, in figures. ``python -m benchmarks [NAME …]`` runs them and writes docs/benchmarks.md.

One file a benchmark, found by its presence: ``TITLE`` and ``run() -> Markdown``. What needs real data that are not
there is left out of the answer, and that is printed.
"""
