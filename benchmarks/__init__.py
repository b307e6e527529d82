"""Measurements, printed as ratios from one run on one machine."""
