"""The parts of `benchmarks/decisions.py`: what is drawn, the rules that judge it, and a file for each figure."""
