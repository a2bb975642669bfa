"""Benchmarks of jaxpool beside what people use today. Run `python -m benchmarks --help`."""
