"""The official scores, exactly: integer counts per object and frame, protocols as records, the official CSV files."""
