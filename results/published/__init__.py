"""The numbers of papers as data: one YAML file per table, as printed. `vosbench.published` reads them."""

from __future__ import annotations
