"""How a network computes: device, precision and compilation, each for its own scope only."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import nn

from vosbench.contract import Runtime

_AUTOCAST = {"fp16": torch.float16, "bf16": torch.bfloat16}


@contextlib.contextmanager
def computing(runtime: Runtime) -> Iterator[None]:
    """Compute without gradients in ``runtime.precision``.

    fp32 means it: TF32 is off, although torch lets convolutions use it. tf32 turns it on for convolutions and
    products. fp16 and bf16 are autocast; code that must stay exact uses `full_precision` inside.
    """
    allowed = runtime.precision == "tf32"
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    device_type = torch.device(runtime.device).type
    dtype = _AUTOCAST.get(runtime.precision)
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = allowed, allowed
    try:
        with torch.inference_mode(), torch.autocast(device_type, dtype=dtype, enabled=dtype is not None):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


@contextlib.contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Compute in the tensors' own type inside an autocast scope."""
    with torch.autocast(device.type, enabled=False):
        yield


def compile_modules(network: nn.Module, names: tuple[str, ...], runtime: Runtime) -> None:
    """Hand the named children of ``network`` to ``torch.compile`` where ``runtime`` asks for it."""
    if not runtime.compile:
        return
    for name in names:
        network.get_submodule(name).compile()
