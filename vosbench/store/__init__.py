"""Keeps what runs produce: one folder per cell, published by rename, never changed afterwards."""
