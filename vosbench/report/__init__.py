"""Turns a run's records into tables. Reads what is stored, runs nothing."""
