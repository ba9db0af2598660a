"""STCN and XMem computed the straightforward way, as their official code does: the baseline of the speed benchmark.

Same weights, same rules, same sessions; but every fusion convolution runs over the concatenation for every object,
norms are not folded, tensors are channels first, the memory is concatenated at every write and read, the whole
affinity matrix is built, filled with zeros outside the top k and multiplied with the values of every object.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.nn.convolution import SharedConv2d
from vosbench.adapters.stcn.inference import STCNInference
from vosbench.adapters.stcn.network import STCNNetwork
from vosbench.adapters.stcn.settings import STCNSettings
from vosbench.adapters.xmem.inference import XMemInference
from vosbench.adapters.xmem.network import ImageFeatures, XMemNetwork
from vosbench.adapters.xmem.settings import XMemSettings
from vosbench.adapters.xmem.stores import SensoryMemory

CPU = torch.device("cpu")


class ConcatenatedConv2d(nn.Module):
    """A `SharedConv2d` that copies the image's features to every object and convolves the concatenation."""

    def __init__(self, shared: SharedConv2d) -> None:
        super().__init__()
        self.weight, self.bias = shared.weight, shared.bias
        self.stride, self.padding = shared.stride, shared.padding
        self.shared_first = shared.shared_first

    def forward(self, own: Tensor, shared: Tensor) -> Tensor:
        """Gives back what `SharedConv2d.forward` does."""
        copies = shared.expand(len(own), -1, -1, -1)
        joined = torch.cat([copies, own] if self.shared_first else [own, copies], dim=1)
        return functional.conv2d(joined, self.weight, self.bias, self.stride, self.padding)


def straightforward_network(network: nn.Module) -> nn.Module:
    """Change a loaded, unprepared ``network`` so that its convolutions run over concatenations; gives it back."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, SharedConv2d):
                setattr(module, name, ConcatenatedConv2d(child))
    return network.eval().requires_grad_(requires_grad=False)


def dense_affinity(similarity: Tensor, top_k: int) -> tuple[Tensor, Tensor]:
    """Gives back the affinity (1, tokens, queries) with zeros outside the top k, and its sum over the queries."""
    values, indices = torch.topk(similarity, k=min(top_k, similarity.shape[1]), dim=1)
    weights = (values - values[:, :1]).exp_()
    weights /= weights.sum(dim=1, keepdim=True)
    affinity = similarity.zero_().scatter_(1, indices, weights)
    return affinity, affinity.sum(dim=2)


class DenseBank:
    """STCN's bank: keys (1, 64, tokens), values (objects, 512, tokens)."""

    def __init__(self) -> None:
        self.keys: Tensor | None = None
        self.values: Tensor | None = None

    def add(self, _frame: int, key: Tensor, values: Tensor, *, permanent: bool) -> None:  # noqa: ARG002
        """Append one frame for ever."""
        key, values = key.flatten(2), values.flatten(2)
        self.keys = key if self.keys is None else torch.cat([self.keys, key], 2)
        self.values = values if self.values is None else torch.cat([self.values, values], 2)

    def read(self, key: Tensor, top_k: int) -> Tensor:
        """Gives back (objects, 512, h, w)."""
        squares = self.keys.pow(2).sum(1).unsqueeze(2)
        products = self.keys.transpose(1, 2) @ key.flatten(2)
        affinity, _ = dense_affinity((2 * products - squares) / 8, top_k)
        readout = torch.bmm(self.values, affinity.expand(len(self.values), -1, -1))
        return readout.view(*readout.shape[:2], *key.shape[2:])


class DenseColumns:
    """One of XMem's stores: everything with the columns last."""

    def __init__(self) -> None:
        self.parts: dict[str, Tensor] = {}

    def __len__(self) -> int:
        return self.parts["key"].shape[2] if self.parts else 0

    def append(self, **parts: Tensor) -> None:
        """Concatenate new columns; they start without use."""
        fresh = torch.zeros(1, 1, parts["key"].shape[2])
        parts |= {"use": fresh, "life": fresh + 1e-7}
        self.parts = {
            name: torch.cat([self.parts[name], part], -1) if self.parts else part for name, part in parts.items()
        }


class DenseMemory:
    """XMem's working and long-term memory for objects that entered together."""

    def __init__(self, settings: XMemSettings) -> None:
        self._settings = settings
        self.sensory = SensoryMemory(settings.hidden_dim, device=CPU, dtype=torch.float32)
        self.working, self.long_term = DenseColumns(), DenseColumns()
        self.events = ()

    def read(self, features: ImageFeatures) -> Tensor:
        """Gives back (objects, 512, h, w), and counts usage."""
        work, long = self.working.parts, self.long_term.parts
        joined = {
            name: torch.cat([long[name], work[name]], -1) if long else work[name]
            for name in ("key", "shrinkage", "value")
        }
        query, selection = features.key.flatten(2), features.selection.flatten(2)
        similarity = similarity_of(joined["key"], joined["shrinkage"], query, selection)
        affinity, use = dense_affinity(similarity, self._settings.top_k)
        readout = joined["value"] @ affinity.expand(len(joined["value"]), -1, -1)
        split = len(self.long_term)
        for store, part in ((self.long_term, use[:, :split]), (self.working, use[:, split:])):
            if len(store):
                store.parts["use"] = store.parts["use"] + part[:, None]
                store.parts["life"] = store.parts["life"] + 1
        return readout.view(*readout.shape[:2], *features.key.shape[2:])

    def write(self, _frame: int, features: ImageFeatures, values: Tensor) -> None:
        """Append one memory frame, and consolidate a full working memory."""
        self.working.append(
            key=features.key.flatten(2),
            shrinkage=features.shrinkage.flatten(2),
            selection=features.selection.flatten(2),
            value=values.flatten(2),
        )
        cells = features.key.shape[2] * features.key.shape[3]
        if len(self.working) >= self._settings.max_mid_term_frames * cells:
            self._consolidate(cells, self._settings.min_mid_term_frames * cells)

    def _consolidate(self, cells: int, kept: int) -> None:
        parts = self.working.parts
        stop = len(self.working) - kept + cells
        candidate = {name: part[:, :, cells:stop] for name, part in parts.items()}
        chosen = (candidate["use"] / candidate["life"]).flatten().topk(self._settings.num_prototypes).indices
        key, selection = candidate["key"][:, :, chosen], candidate["selection"][:, :, chosen]
        affinity = similarity_of(candidate["key"], candidate["shrinkage"], key, selection).softmax(1)
        value = candidate["value"] @ affinity.expand(len(candidate["value"]), -1, -1)
        self.long_term.append(key=key, shrinkage=candidate["shrinkage"] @ affinity, value=value)
        self.working.parts = {
            name: torch.cat([part[:, :, :cells], part[:, :, stop:]], -1) for name, part in parts.items()
        }


def similarity_of(keys: Tensor, shrinkage: Tensor, query: Tensor, selection: Tensor) -> Tensor:
    """Gives back (1, columns, queries) from keys (1, 64, columns) and queries (1, 64, queries)."""
    keys = keys.transpose(1, 2)
    squares = keys.pow(2) @ selection
    products = 2 * (keys @ (query * selection))
    constant = (selection * query.pow(2)).sum(1, keepdim=True)
    return (-squares + products - constant) * shrinkage.transpose(1, 2) / 8


def straightforward_stcn(network: STCNNetwork, settings: STCNSettings) -> STCNInference:
    """Gives back an inference over a straightforward network and bank."""
    inference = STCNInference(network, settings, device=CPU)
    inference.bank = DenseBank()
    return inference


def straightforward_xmem(network: XMemNetwork, settings: XMemSettings) -> XMemInference:
    """Gives back an inference over a straightforward network and memory."""
    inference = XMemInference(network, settings, device=CPU)
    inference.memory = DenseMemory(settings)
    return inference
