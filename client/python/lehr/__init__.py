"""Lehr, the annealer of training runs: what a trainer in Python uses."""
