"""Results that are kept on purpose: ``published/`` holds the numbers of papers, one YAML file per table."""

from __future__ import annotations
