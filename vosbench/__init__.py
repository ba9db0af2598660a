"""Measure video segmentation methods that keep a memory: one clock, one memory meter, the official scores."""

__version__ = "0.1.0"
