"""Layers and small services that several method families share. Importing this package loads nothing."""
