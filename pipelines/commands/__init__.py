"""The commands of the command line, a file each: ``HELP``, ``arguments(parser)``, ``run(options) -> exit code``."""
