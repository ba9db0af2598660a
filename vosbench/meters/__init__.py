"""What a run measures: the clock and the memory meters of host and device."""
