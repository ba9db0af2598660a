"""SAM2-Lite's decoder (section 3.1): three layers in which a frame reads the bank and object queries read the frame."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS = 256
HEADS = 8
LAYERS = 3
AGE_WAVES = 8
AFFINITY = 16.0
"""What the affinity is divided by, as in STCN and XMem the square root of the key's width."""

LARGEST_EXPONENT = 20.0
"""By how much a token that is weighed out may exceed the highest of the others, so that its gradient stays a number."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BankView:
    """What a frame may read: ``keys``, ``values`` (batch, tokens, 256) and ``ages`` in frames (batch, tokens).

    ``weights`` (batch, tokens), in [0, 1], scale each token's share inside the softmax, None where all count. A weight
    of 0 takes a token out; zeroing its key, as the paper writes, would leave it a share of exp(0).
    """

    keys: Tensor
    values: Tensor
    ages: Tensor
    weights: Tensor | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Read:
    """What the layers give: ``tokens`` (batch, positions, 256), ``queries`` (batch, objects, 256).

    For distillation the last layer's ``attention`` (batch, positions, tokens), the mean over heads (equation 2), and
    ``readout`` (batch, positions, 256), the heads' outputs before the output projection (equation 5); None where they
    were not asked for.
    """

    tokens: Tensor
    queries: Tensor
    attention: Tensor | None = None
    readout: Tensor | None = None


class Attention(nn.Module):
    """Multi-head attention with biases; ``bias`` (batch, queries, keys) is added to the logits of every head."""

    def __init__(self) -> None:
        super().__init__()
        self.q_proj = nn.Linear(CHANNELS, CHANNELS)
        self.k_proj = nn.Linear(CHANNELS, CHANNELS)
        self.v_proj = nn.Linear(CHANNELS, CHANNELS)
        self.out_proj = nn.Linear(CHANNELS, CHANNELS)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, present: Tensor | None = None) -> Tensor:
        """Gives back (batch, queries, 256); keys that are not ``present`` (batch, keys) are not looked at."""
        heads = (self._heads(project(x)) for project, x in self._inputs(query, key, value))
        mask = None if present is None else present[:, None, None].bool()
        return self.out_proj(_joined(functional.scaled_dot_product_attention(*heads, attn_mask=mask)))

    def read(
        self, query: Tensor, key: Tensor, value: Tensor, bias: Tensor, weights: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Gives back the output, the attention of the heads (batch, heads, queries, keys) and their joined outputs
        before the projection; ``weights`` are those of `BankView`.
        """
        queries, keys, values = (self._heads(project(x)) for project, x in self._inputs(query, key, value))
        logits = (queries @ keys.mT * (CHANNELS // HEADS) ** -0.5 + bias[:, None]).float()
        if weights is None:
            attention = torch.softmax(logits, dim=-1)
        else:
            attention = weighed_softmax(logits, weights[:, None, None])
        readout = _joined(attention.to(values.dtype) @ values)
        return self.out_proj(readout), attention, readout

    def _inputs(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[tuple[nn.Module, Tensor], ...]:
        return (self.q_proj, query), (self.k_proj, key), (self.v_proj, value)

    @staticmethod
    def _heads(x: Tensor) -> Tensor:
        return x.unflatten(2, (HEADS, -1)).transpose(1, 2)


class Layer(nn.Module):
    """Frame tokens read the bank; object queries read the tokens; a feed-forward network on the queries."""

    def __init__(self, hidden: int, *, among_queries: bool) -> None:
        super().__init__()
        self.memory_norm = nn.LayerNorm(CHANNELS)
        self.memory_attention = Attention()
        self.gain = nn.Parameter(torch.zeros(()))
        self.query_norm = nn.LayerNorm(CHANNELS) if among_queries else None
        self.query_attention = Attention() if among_queries else None
        self.frame_norm = nn.LayerNorm(CHANNELS)
        self.frame_attention = Attention()
        self.ffn_norm = nn.LayerNorm(CHANNELS)
        self.ffn = nn.Sequential(nn.Linear(CHANNELS, hidden), nn.ReLU(), nn.Linear(hidden, CHANNELS))

    def read_bank(
        self, tokens: Tensor, keys: Tensor, values: Tensor, affinity: Tensor, weights: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Gives back the tokens, the heads' attention and the readout.

        ``affinity`` (batch, positions, bank) is minus the squared distance of keys: query and key are tied by it, as
        in STCN and XMem, and the layer's own projections add to it.
        """
        bias = affinity * (functional.softplus(self.gain) / AFFINITY)
        out, attention, readout = self.memory_attention.read(self.memory_norm(tokens), keys, values, bias, weights)
        return tokens + out, attention, readout

    def read_frame(self, queries: Tensor, tokens: Tensor, present: Tensor | None = None) -> Tensor:
        """Gives back the queries (batch, objects, 256)."""
        if self.query_attention is not None and self.query_norm is not None:
            normed = self.query_norm(queries)
            queries = queries + self.query_attention(normed, normed, normed, present)
        queries = queries + self.frame_attention(self.frame_norm(queries), tokens, tokens)
        return queries + self.ffn(self.ffn_norm(queries))


class Reader(nn.Module):
    """The layers with their final norms and the embedding of a token's age."""

    def __init__(self, hidden: int, *, among_queries: bool) -> None:
        super().__init__()
        self.age = nn.Linear(2 * AGE_WAVES, CHANNELS)
        self.layers = nn.ModuleList(Layer(hidden, among_queries=among_queries) for _ in range(LAYERS))
        self.token_norm = nn.LayerNorm(CHANNELS)
        self.query_norm = nn.LayerNorm(CHANNELS)

    def forward(
        self,
        x: Tensor,
        key: Tensor,
        queries: Tensor,
        bank: BankView,
        present: Tensor | None = None,
        *,
        tell: bool = False,
    ) -> Read:
        """Gives back what a frame's tokens ``x`` and keys ``key`` (batch, positions, 256) and the object queries
        (batch, objects, 256) become; ``present`` (batch, objects) says which of those a clip has, None that it has
        all; ``tell`` keeps attention and readout.
        """
        affinity = -torch.cdist(key.float(), bank.keys.float()).square().to(x.dtype)
        keys = bank.keys + self.age(age_waves(bank.ages).to(x.dtype))
        tokens = x
        attention = readout = None
        for layer in self.layers:
            tokens, attention, readout = layer.read_bank(tokens, keys, bank.values, affinity, bank.weights)
            queries = layer.read_frame(queries, tokens, present)
        return Read(
            tokens=self.token_norm(tokens),
            queries=self.query_norm(queries),
            attention=attention.mean(1) if tell and attention is not None else None,
            readout=readout if tell else None,
        )


def weighed_softmax(logits: Tensor, weights: Tensor) -> Tensor:
    """Gives back exp(a) w / sum(exp(a) w) over the last axis: the shares of logits a under weights w in [0, 1].

    A weight has its gradient where it is 0 as well, which the sum of logits and log-weights would not give it.
    """
    highest = logits.masked_fill(weights <= 0, -torch.inf).amax(-1, keepdim=True).detach()
    shares = (logits - highest).clamp(max=LARGEST_EXPONENT).exp() * weights
    return shares / shares.sum(-1, keepdim=True)


def age_waves(ages: Tensor) -> Tensor:
    """Gives back (..., 16): sine and cosine of log(1 + age) 2^i / 4, i from 0 to 7."""
    angles = torch.log1p(ages.float())[..., None] * (2.0 ** torch.arange(AGE_WAVES, device=ages.device) / 4)
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def _joined(x: Tensor) -> Tensor:
    return x.transpose(1, 2).flatten(2)
