"""The parts of `benchmarks/decisions.py`: simulated data, the rules that judge it, and one file per figure."""
