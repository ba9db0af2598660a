"""The cards of a machine, asked of a driver made of a class."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from vosbench.cards import Card, read_cards, visible_cards


class FakeNvml:
    """A driver with some cards; ``fails`` names the questions that it does not answer, by card where they have one,
    and ``sliced`` the only slice of each card that is cut into slices."""

    class NVMLError(Exception):
        """The driver's own error."""

    class NVMLError_LibraryNotFound(NVMLError):
        """There is no driver."""

    class NVMLError_DriverNotLoaded(NVMLError):
        """There is no driver."""

    class NVMLError_NoPermission(NVMLError):
        """The card is another job's."""

    def __init__(self, count=2, fails=(), sliced=()):
        self.count, self.fails, self.sliced = count, dict(fails), dict(sliced)

    def _answer(self, question, value):
        if question in self.fails:
            raise self.fails[question]
        return value

    def nvmlInit(self):
        return self._answer("init", None)

    def nvmlShutdown(self):
        return None

    def nvmlDeviceGetCount(self):
        return self._answer("count", self.count)

    def nvmlDeviceGetHandleByIndex(self, index):
        return self._answer(("handle", index), index)

    def nvmlDeviceGetName(self, handle):
        return self._answer(("name", handle), f"Card {handle}".encode())

    def nvmlDeviceGetUUID(self, handle):
        return self._answer(("uuid", handle), f"GPU-{handle}")

    def nvmlDeviceGetMemoryInfo(self, handle):
        return SimpleNamespace(total=self._answer(("memory", handle), 1 << 34))

    def nvmlDeviceGetHandleByUUID(self, uuid):
        return self._answer(("by uuid", uuid), f"slice {uuid}")

    def nvmlDeviceGetMigMode(self, handle):
        return self._answer(("mig", handle), [int(handle in self.sliced), 0])

    def nvmlDeviceGetMaxMigDeviceCount(self, handle):
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle, index):
        if index != self.sliced[handle]:
            raise self.NVMLError("Not Found")
        return f"{handle}/{index}"

    def nvmlSystemGetCudaDriverVersion_v2(self):
        return self._answer("cuda", 13010)

    def nvmlSystemGetDriverVersion(self):
        return self._answer("driver", "580.1")


ERROR = FakeNvml.NVMLError("Not Supported")


def test_a_card_is_told_with_name_uuid_and_memory():
    cards = read_cards({}, nvml=FakeNvml(1))
    assert (Card(name="Card 0", uuid="GPU-0", memory_bytes=1 << 34),) == cards.visible
    assert ("580.1", "13.1", "") == (cards.driver, cards.cuda, cards.trouble)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("memory", Card(name="Card 1", uuid="GPU-1", memory_bytes=0)),
        ("name", Card(name="NVIDIA card", uuid="GPU-1", memory_bytes=1 << 34)),
        ("uuid", Card(name="Card 1", uuid="1", memory_bytes=1 << 34)),
    ],
)
def test_what_a_card_does_not_tell_leaves_the_rest(question, expected):
    cards = read_cards({}, nvml=FakeNvml(fails={(question, 1): ERROR}))
    assert ("GPU-0", expected, "") == (cards.visible[0].uuid, cards.visible[1], cards.trouble)


def test_a_driver_without_versions_has_its_cards():
    cards = read_cards({}, nvml=FakeNvml(fails={"cuda": ERROR, "driver": ERROR}))
    assert (2, "", "", "") == (len(cards.visible), cards.driver, cards.cuda, cards.trouble)


def test_a_card_that_cannot_be_asked_keeps_its_place_and_is_told():
    cards = read_cards({}, nvml=FakeNvml(3, {("handle", 1): FakeNvml.NVMLError("GPU is lost")}))
    assert ["GPU-0", "1", "GPU-2"] == [card.uuid for card in cards.visible]
    assert "NVML cannot ask card 1: GPU is lost" == cards.trouble


def test_a_card_of_another_job_does_not_count():
    cards = read_cards({}, nvml=FakeNvml(fails={("handle", 0): FakeNvml.NVMLError_NoPermission()}))
    assert (["GPU-1"], "") == ([card.uuid for card in cards.visible], cards.trouble)


@pytest.mark.parametrize(
    ("question", "error", "trouble"),
    [
        ("init", FakeNvml.NVMLError_LibraryNotFound(), ""),
        ("init", FakeNvml.NVMLError_DriverNotLoaded(), ""),
        ("init", FakeNvml.NVMLError("version mismatch"), "NVML cannot be asked: version mismatch"),
        ("count", FakeNvml.NVMLError("unknown error"), "NVML cannot count the cards: unknown error"),
    ],
)
def test_a_driver_that_fails_is_told_and_one_that_is_not_there_is_not(question, error, trouble):
    cards = read_cards({}, nvml=FakeNvml(fails={question: error}))
    assert ((), trouble) == (cards.visible, cards.trouble)


def test_a_slice_that_is_named_is_the_only_card():
    visible = {"CUDA_VISIBLE_DEVICES": "MIG-aa,MIG-bb"}
    cards = read_cards(visible, nvml=FakeNvml())
    assert ["Card slice MIG-aa"] == [card.name for card in cards.visible]
    unknown = read_cards(visible, nvml=FakeNvml(fails={("by uuid", "MIG-aa"): ERROR}))
    assert ["Card 0", "Card 1"] == [card.name for card in unknown.visible]


def test_a_card_that_is_cut_into_slices_stands_for_its_first_slice():
    cards = read_cards({}, nvml=FakeNvml(sliced={1: 2}))
    assert ["Card 0", "Card 1/2"] == [card.name for card in cards.visible]
    silent = read_cards({}, nvml=FakeNvml(sliced={1: 2}, fails={("mig", 1): ERROR}))
    assert ["Card 0", "Card 1"] == [card.name for card in silent.visible]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, ["GPU-aa", "GPU-ab", "GPU-cc"]),
        ("", []),
        ("2", ["GPU-cc"]),
        ("2,0", ["GPU-cc", "GPU-aa"]),
        ("GPU-c", ["GPU-cc"]),
        ("GPU-a", []),
        ("0,9,1", ["GPU-aa"]),
        ("MIG-123", ["GPU-aa", "GPU-ab", "GPU-cc"]),
    ],
)
def test_the_cards_are_those_that_cuda_may_see_in_its_order(wanted, expected):
    cards = [Card(name="card", uuid=uuid, memory_bytes=1) for uuid in ("GPU-aa", "GPU-ab", "GPU-cc")]
    environment = {} if wanted is None else {"CUDA_VISIBLE_DEVICES": wanted}
    assert expected == [card.uuid for card in visible_cards(cards, environment)]
