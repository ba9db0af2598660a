"""The NVIDIA cards of this machine as NVML tells them, in the order in which CUDA counts them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One card. ``memory_bytes`` is 0 where it is not told.

    ``uuid`` is the card's number where no UUID is told: ``CUDA_VISIBLE_DEVICES`` takes that as well.
    """

    name: str
    uuid: str
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cards:
    """The cards that CUDA may see, the driver's version and its CUDA version ('' where not told).

    ``trouble`` says where NVML failed, so that there may be other cards than these; '' where it did not, and where
    there is no driver.
    """

    visible: tuple[Card, ...] = ()
    driver: str = ""
    cuda: str = ""
    trouble: str = ""


def read_cards(environment: Mapping[str, str], *, nvml: Any = None) -> Cards:
    """Asks NVML, which answers without a CUDA context. ``nvml`` is the module `pynvml` where nothing is given."""
    if nvml is None:
        import pynvml

        nvml = pynvml
    try:
        nvml.nvmlInit()
    except (nvml.NVMLError_LibraryNotFound, nvml.NVMLError_DriverNotLoaded):
        return Cards()
    except nvml.NVMLError as error:
        return Cards(trouble=f"NVML cannot be asked: {error}")
    try:
        return _ask(nvml, environment)
    finally:
        nvml.nvmlShutdown()


def _ask(nvml: Any, environment: Mapping[str, str]) -> Cards:
    try:
        count = int(nvml.nvmlDeviceGetCount())
    except nvml.NVMLError as error:
        return Cards(trouble=f"NVML cannot count the cards: {error}")
    slice_ = _named_slice(nvml, environment)
    cards: list[Card] = []
    trouble = ""
    for index in range(count):
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
        except nvml.NVMLError_NoPermission:
            continue  # CUDA leaves out as well what this process may not open
        except nvml.NVMLError as error:
            trouble = f"NVML cannot ask card {index}: {error}"
            cards.append(Card(name="NVIDIA card", uuid=str(len(cards)), memory_bytes=0))
            continue
        cards.append(_card(nvml, _first_slice(nvml, handle) or handle, len(cards)))
    version = int(_told(nvml, nvml.nvmlSystemGetCudaDriverVersion_v2, 0))
    return Cards(
        visible=(slice_,) if slice_ is not None else tuple(visible_cards(cards, environment)),
        driver=_text(_told(nvml, nvml.nvmlSystemGetDriverVersion, "")),
        cuda=f"{version // 1000}.{version % 1000 // 10}" if version else "",
        trouble=trouble,
    )


def _card(nvml: Any, handle: Any, number: int) -> Card:
    return Card(
        name=_text(_told(nvml, lambda: nvml.nvmlDeviceGetName(handle), "NVIDIA card")),
        uuid=_text(_told(nvml, lambda: nvml.nvmlDeviceGetUUID(handle), str(number))),
        memory_bytes=int(_told(nvml, lambda: nvml.nvmlDeviceGetMemoryInfo(handle).total, 0)),
    )


def _named_slice(nvml: Any, environment: Mapping[str, str]) -> Card | None:
    """The slice (MIG) that ``CUDA_VISIBLE_DEVICES`` names; CUDA takes the first alone."""
    word = environment.get("CUDA_VISIBLE_DEVICES", "").split(",")[0].strip()
    if not word.startswith("MIG-"):
        return None
    handle = _told(nvml, lambda: nvml.nvmlDeviceGetHandleByUUID(word), None)
    return _card(nvml, handle, 0) if handle is not None else None


def _first_slice(nvml: Any, card: Any) -> Any:
    """The slice that CUDA computes on where a card is cut into slices (MIG); None where it is whole."""
    if not _told(nvml, lambda: nvml.nvmlDeviceGetMigMode(card)[0], 0):
        return None
    for index in range(int(_told(nvml, lambda: nvml.nvmlDeviceGetMaxMigDeviceCount(card), 0))):
        found = _told(nvml, partial(nvml.nvmlDeviceGetMigDeviceHandleByIndex, card, index), None)
        if found is not None:
            return found
    return None


def visible_cards(cards: list[Card], environment: Mapping[str, str]) -> list[Card]:
    """The cards that ``CUDA_VISIBLE_DEVICES`` leaves, in its order; all where it names an unknown slice (MIG).

    As in CUDA, the first entry that names no card ends the list. Numbers count by bus, as the driver does: cells are
    started with ``CUDA_DEVICE_ORDER=PCI_BUS_ID``.
    """
    wanted = environment.get("CUDA_VISIBLE_DEVICES")
    if wanted is None or "MIG-" in wanted:
        return cards
    found: list[Card] = []
    for entry in wanted.split(","):
        word = entry.strip()
        if word.isdecimal() and int(word) < len(cards):
            found.append(cards[int(word)])
            continue
        matching = [card for card in cards if word and card.uuid.startswith(word)]
        if len(matching) != 1:
            break
        found += matching
    return found


def _told(nvml: Any, question: Callable[[], Any], otherwise: Any) -> Any:
    """What the driver answers: some cards leave single questions unanswered (NOT_SUPPORTED)."""
    try:
        return question()
    except nvml.NVMLError:
        return otherwise


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
