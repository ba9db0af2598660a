"""The backbone: the one file it may be, or words that say where to get it."""

from __future__ import annotations

import pytest

from vosbench.errors import CheckpointError
from vosbench.train import backbone
from vosbench.train.backbone import find_backbone, read_backbone


def test_another_file_is_refused(tmp_path):
    (tmp_path / "mobilenet_v2-b0353104.pth").write_bytes(b"something else")
    with pytest.raises(CheckpointError, match=r"not torchvision's MobileNetV2"):
        find_backbone(tmp_path / "mobilenet_v2-b0353104.pth")


def test_a_missing_file_says_where_to_get_it(tmp_path):
    with pytest.raises(CheckpointError, match="are not here") as caught:
        find_backbone(tmp_path / "nothing.pth")
    assert "vosbench[train]" in caught.value.fix


def test_without_the_package_the_file_is_asked_for(monkeypatch):
    monkeypatch.setattr(backbone, "PACKAGE", "no-such-package")
    with pytest.raises(CheckpointError, match="are not here") as caught:
        find_backbone(None)
    assert "no-such-package" in caught.value.where


def test_the_package_s_file_holds_torchvision_s_keys():
    try:
        path = find_backbone(None)
    except CheckpointError:
        pytest.skip("the extra 'train' is not installed")
    state = read_backbone(path)
    assert (32, 3, 3, 3) == tuple(state["features.0.0.weight"].shape)
    assert "features.13.conv.3.running_var" in state
