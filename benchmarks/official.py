"""Runs a checkout of the official XMem or STCN repository in the place of the benchmark's own baseline.

Nothing of it is copied: its modules are imported from the folder, given the same weights, and driven through the
same session.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from vosbench.adapters.nn.resnet import bottleneck_layer
from vosbench.adapters.stcn.inference import STCNInference
from vosbench.adapters.stcn.settings import STCNSettings
from vosbench.adapters.xmem.settings import XMemSettings
from vosbench.errors import UsageError


def method_of(folder: Path) -> str:
    """Gives back which method ``folder`` is a checkout of; raises `UsageError` for none."""
    if (folder / "inference" / "memory_manager.py").is_file():
        return "xmem"
    if (folder / "inference_memory_bank.py").is_file():
        return "stcn"
    raise UsageError(f"{folder} is no checkout of hkchengrex/XMem or hkchengrex/STCN", fix="name its top folder")


def official_inference(folder: Path, state: dict[str, Tensor], objects: int, settings: Any) -> Any:
    """Gives back an inference of the repository in ``folder`` with the weights ``state``."""
    sys.path.insert(0, str(folder.resolve()))
    if method_of(folder) == "xmem":
        return OfficialXMem(state, objects, settings)
    return official_stcn(state, objects, settings)


class OfficialXMem:
    """The official ``InferenceCore``, stepped like ours."""

    def __init__(self, state: dict[str, Tensor], objects: int, settings: XMemSettings) -> None:
        _without_downloads(importlib.import_module("model.resnet"))
        config = dataclasses.asdict(settings)
        network = importlib.import_module("model.network").XMem(dict(config), None, map_location="cpu").eval()
        network.load_state_dict(state)
        self._core = importlib.import_module("inference.inference_core").InferenceCore(network, config)
        self._labels = list(range(1, objects + 1))
        self._core.set_all_labels(self._labels)
        self._mem_every = settings.mem_every
        self._last_write = 0
        self.memory = self

    def step(self, frame: int, image: Tensor, entering: Tensor | None = None) -> Tensor:
        """Gives back (1 + objects, height, width)."""
        due = entering is not None or frame - self._last_write >= self._mem_every
        # The official core counts calls and not frames; what the schedule of `frame` says is handed to it.
        self._core.mem_every = 0 if due else sys.maxsize
        if due:
            self._last_write = frame
        valid = None if entering is None else self._labels
        return self._core.step(image[0].contiguous(), entering, valid)

    def write(self, _frame: int, features: Any, values: Tensor) -> None:
        """Write a memory frame that was not computed here."""
        parts = (features.key.contiguous(), features.shrinkage.contiguous(), values[None].contiguous())
        self._core.memory.add_memory(*parts, self._labels, selection=features.selection.contiguous())

    def read(self, features: Any) -> Tensor:
        """Gives back (objects, 512, h, w)."""
        return self._core.memory.match_memory(features.key.contiguous(), features.selection.contiguous())


class _STCNNetwork:
    """The official network under the names that `STCNInference` calls."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network

    def encode_key(self, image: Tensor) -> SimpleNamespace:
        names = ("key", "f16_thin", "f16", "f8", "f4")
        return SimpleNamespace(source=image, **dict(zip(names, self._network.encode_key(image), strict=True)))

    def value_encoder(self, image: Tensor, f16: Tensor, masks: Tensor) -> Tensor:
        return self._network.encode_value(image, f16, masks[:, None])[:, :, 0]

    def decoder(self, readout: Tensor, features: SimpleNamespace) -> Tensor:
        thin = features.f16_thin.expand(len(readout), -1, -1, -1)
        return self._network.decoder(torch.cat([readout, thin], 1), features.f8, features.f4)[:, 0]


class _STCNBank:
    """The official bank under the names that `STCNInference` calls."""

    def __init__(self, objects: int, top_k: int) -> None:
        self._bank = importlib.import_module("inference_memory_bank").MemoryBank(k=objects, top_k=top_k)

    def add(self, _frame: int, key: Tensor, values: Tensor, *, permanent: bool) -> None:
        self._bank.add_memory(key.contiguous()[:, :, None], values.contiguous()[:, :, None], is_temp=not permanent)

    def read(self, key: Tensor, _top_k: int) -> Tensor:
        return self._bank.match_memory(key.contiguous())


def official_stcn(state: dict[str, Tensor], objects: int, settings: STCNSettings) -> STCNInference:
    """Gives back our loop over the official network and bank; the official loop needs CUDA and the whole video."""
    if "torchvision" not in sys.modules and importlib.util.find_spec("torchvision") is None:
        # The official key encoder takes torchvision's ResNet-50 apart; these are the same layers.
        sys.modules["torchvision"] = _resnet_stand_in()
    _without_downloads(importlib.import_module("model.mod_resnet"))
    network = importlib.import_module("model.eval_network").STCN().eval()
    network.load_state_dict(state)
    inference = STCNInference(_STCNNetwork(network), settings, device=torch.device("cpu"))
    inference.bank = _STCNBank(objects, settings.top_k)
    return inference


def _resnet_stand_in() -> ModuleType:
    def resnet50(**_arguments: object) -> SimpleNamespace:
        return SimpleNamespace(
            conv1=nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
            bn1=nn.BatchNorm2d(64),
            relu=nn.ReLU(inplace=True),
            maxpool=nn.MaxPool2d(3, stride=2, padding=1),
            layer1=bottleneck_layer(64, 64, 3, 1),
            layer2=bottleneck_layer(256, 128, 4, 2),
            layer3=bottleneck_layer(512, 256, 6, 2),
        )

    module = ModuleType("torchvision")
    module.models = SimpleNamespace(resnet50=resnet50)
    return module


def _without_downloads(resnet: ModuleType) -> None:
    """Let the official constructors make their trunks without fetching ImageNet weights, which are replaced anyway."""
    for name in ("resnet18", "resnet50"):
        build = getattr(resnet, name)
        setattr(resnet, name, _untrained(build))


def _untrained(build: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
    def without_weights(**arguments: Any) -> nn.Module:
        return build(**arguments | {"pretrained": False})

    return without_weights
