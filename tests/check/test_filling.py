"""Weights by rule equal the check values of the reference material."""

from __future__ import annotations

import json
import math
import zlib
from pathlib import Path

import numpy as np
import pytest

from vosbench.check.filling import Override, WeightRule, fill
from vosbench.errors import AdapterError


def rule(*overrides: Override, checksums: dict[str, int] | None = None) -> WeightRule:
    return WeightRule(seed=1, gain2=1.4, overrides=overrides, checksums=checksums or {}, where="fixture.json")


def test_filled_tensors_equal_the_check_values(shared: Path) -> None:
    checks = json.loads((shared / "parity" / "networks" / "fillcheck.json").read_text())
    assert checks
    for check in checks:
        weights = WeightRule(seed=check["seed"], gain2=1.4, checksums={})
        tensor = weights(check["key"], tuple(check["shape"]))
        assert check["first_values"] == pytest.approx(tensor.reshape(-1)[: len(check["first_values"])].tolist(), abs=0)
        assert check["crc32_of_float32_bytes"] == zlib.crc32(tensor.tobytes())


def test_the_kind_of_tensor_follows_from_its_key_and_shape() -> None:
    spread = math.sqrt(3.0)
    assert np.abs(fill("bn.running_mean", (500,), seed=1, gain2=1.4)).max() <= 0.1 * spread
    variance = fill("bn.running_var", (500,), seed=1, gain2=1.4)
    assert (1.0, 1.2) == pytest.approx((variance.min(), variance.max()), abs=0.01)
    assert 1.0 == pytest.approx(fill("bn.weight", (500,), seed=1, gain2=1.4).mean(), abs=0.02)
    assert 0.0 == pytest.approx(fill("bn.bias", (500,), seed=1, gain2=1.4).mean(), abs=0.02)
    kernel = fill("conv.weight", (64, 8, 3, 3), seed=1, gain2=1.4)
    assert 1.4 / 72 == pytest.approx(kernel.var(), rel=0.05)


def test_a_scalar_is_one_value() -> None:
    assert () == fill("scale", (), seed=1, gain2=1.4).shape


def test_overrides_apply_in_order_to_their_key() -> None:
    plain = rule()("a.weight", (4, 6))
    doubled = rule(
        Override(key="a.weight", mul=2.0, add=1.0), Override(key="a.weight", mul=1.0, add=-1.0),
        Override(key="b.weight", mul=9.0, add=9.0),
    )("a.weight", (4, 6))  # fmt: skip
    np.testing.assert_allclose(2.0 * plain, doubled, atol=1e-6)


def test_an_override_may_touch_columns_only() -> None:
    plain = rule()("a.weight", (4, 6))
    changed = rule(Override(key="a.weight", mul=0.0, add=5.0, columns=(2, 4)))("a.weight", (4, 6))
    np.testing.assert_array_equal(np.full((4, 2), 5.0), changed[:, 2:4])
    np.testing.assert_array_equal(plain[:, [0, 1, 4, 5]], changed[:, [0, 1, 4, 5]])


def test_an_override_may_centre_rows() -> None:
    centred = rule(Override(key="a.weight", mul=3.0, add=0.0, center=True))("a.weight", (4, 6, 1, 1))
    np.testing.assert_allclose(np.zeros(4), centred.reshape(4, -1).mean(axis=1), atol=1e-7)


def test_another_checksum_is_refused() -> None:
    right = zlib.crc32(rule()("a.weight", (4, 6)).tobytes())
    assert (4, 6) == rule(checksums={"a.weight": right})("a.weight", (4, 6)).shape
    with pytest.raises(AdapterError, match=r"the tensor a.weight of shape \(6, 4\) has another checksum"):
        rule(checksums={"a.weight": right})("a.weight", (6, 4))
