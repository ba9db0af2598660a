"""Reads data sets as their archives unpack, writes masks as they want them, and draws synthetic videos."""
