"""The suites that come with vosbench: one YAML file each, and the official lists of video names."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parent
