"""Benchmarks: ratios against a named limit measured in the same run."""
