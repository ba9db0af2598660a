"""The device that a method computes on, where no card is needed to look."""

from __future__ import annotations

import pytest

from vosbench.meters.device import card_handle


class FakeNvml:
    """A driver that knows some names."""

    class NVMLError(Exception):
        """The driver's own error."""

    def __init__(self, *known):
        self.known = known

    def nvmlDeviceGetHandleByUUID(self, uuid):
        if uuid not in self.known:
            raise self.NVMLError("Not Found")
        return uuid


@pytest.mark.parametrize("uuid", ["aa", "GPU-aa"])
def test_a_card_is_found_by_what_torch_calls_it(uuid):
    assert "GPU-aa" == card_handle(FakeNvml("GPU-aa", "MIG-bb"), uuid)


@pytest.mark.parametrize("uuid", ["bb", "MIG-bb"])
def test_so_is_a_slice_of_a_card(uuid):
    assert "MIG-bb" == card_handle(FakeNvml("GPU-aa", "MIG-bb"), uuid)


def test_another_card_is_not_known():
    with pytest.raises(FakeNvml.NVMLError):
        card_handle(FakeNvml("GPU-aa"), "cc")
