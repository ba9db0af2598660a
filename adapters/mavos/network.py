"""MAVOS's network: DeAOT-L's, and the fusion of memory frames."""

from __future__ import annotations

from vosbench.adapters.aot.network import AOTNetwork
from vosbench.adapters.aot.strategies import MemoryFrame, Strategy, keep_dynamic
from vosbench.adapters.aot.widths import widths_of
from vosbench.adapters.mavos.fusion import MemoryFusion


def build_network(encoder: str, *, fusion: str = "mca", focal_levels: int = 2) -> AOTNetwork:
    """Gives back the network, 34.4 M (MobileNetV2), 41.1 M (ResNet-50) or 91.6 M parameters (Swin-B) with MCA.

    With the encoder ``mini`` it is the small network.
    """
    return AOTNetwork(encoder, gated=True, fusion=MemoryFusion(fusion, focal_levels, widths_of(encoder)))


def dynamic_frame(network: AOTNetwork) -> Strategy:
    """Gives back the strategy ``mca`` with the weights of ``network``."""
    fusion: MemoryFusion = network.long_term_memory_attention

    def fuse(new: MemoryFrame, dynamic: MemoryFrame) -> MemoryFrame:
        pairs = zip(new.blocks, dynamic.blocks, strict=True)
        blocks = tuple(fusion.fuse(index, *pair, new.grid) for index, pair in enumerate(pairs))
        return MemoryFrame(frame=new.frame, given=new.given, grid=new.grid, blocks=blocks)

    return keep_dynamic(fuse)
