"""What can be set of SAM2-Lite. The repository that the paper names holds no code; each default's source is named."""

from __future__ import annotations

from dataclasses import dataclass

from vosbench.contract import setting
from vosbench.errors import UsageError

PAPER = "SAM2-Lite, "
OURS = "vosbench; the paper leaves it open: "

SIZES = ("tiny", "small", "base", "tiny-full", "small-full", "base-full", "mini")
PRUNING = ("learned", "fifo", "random", "anchor", "unlimited")
WRITES = ("token", "frame32")
MOTIONS = ("features", "frames", "blocks")
CONTROLS = ("relative", "milliseconds", "seconds")
TRAININGS = ("reader", "banks", "gate")
GATE_TRAININGS = ("usage", "gumbel")

BUDGETS = {"tiny": 256, "small": 384, "base": 512, "mini": 256}
"""B by size (section 4.1, "Model Variants"); the mini takes the smallest."""

SLOTS = 100
"""Object queries (section 3.1), and so the most objects of a video."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sam2LiteSettings:
    """SAM2-Lite's settings."""

    preset: str = setting(
        "tiny",
        source=PAPER
        + "section 4.1: tiny, small, base. Their parameter counts ask for a ViT of five blocks; the *-full "
        "ones have the twelve of the ViT that the paper names. mini: MobileNetV2 to stride 16",
        help="the encoder, and how wide the decoder's feed-forward network is",
        choices=SIZES,
    )
    budget: int = setting(
        0,
        source=PAPER + "section 4.1: 256 (tiny), 384 (small), 512 (base)",
        help="B: tokens that the bank keeps; 0: the preset's own",
        minimum=0,
    )
    pruning: str = setting(
        "learned",
        source=PAPER + "section 3.3; table 3 has fifo, figure 3 random; anchor is a baseline of ours",
        help="which tokens stay: by the learned score, the newest, any, half of them of prompted frames; or all",
        choices=PRUNING,
    )
    noise: float = setting(
        0.0,
        source=PAPER + "equation 9 has Gumbel noise in training; without it a deployed gate keeps copies of one thing",
        help="with pruning=learned: multiple of Gumbel noise, drawn once for each token, that is added to its score; "
        "with 1 the bank is a random sample of the past weighed by the exponential of the score",
        minimum=0,
    )
    write: str = setting(
        "token",
        source=PAPER
        + "equations 8 to 10: every token competes; frame32 makes 'FIFO of 12 frames' (384 / 32) meaningful",
        help="token: every token of a frame competes; frame32: a frame's 32 best do",
        choices=WRITES,
    )
    motion: str = setting(
        "features",
        source=OURS + "equation 8 names optical flow and no way to have it",
        help="m: change of the features, of the pixels, or displacement by block matching",
        choices=MOTIONS,
    )
    adaptive: bool = setting(
        False,
        source=PAPER + "section 3.4; off unless asked for, because answers then depend on the machine",
        help="on: resolution and window follow the time that frames take",
    )
    target_ms: float = setting(
        33.0, source=PAPER + "figure 2: 33 ms", help="the time of a frame that adaptive inference aims at", minimum=1
    )
    control: str = setting(
        "relative",
        source=OURS + "equations 11 and 12 give no units; only a relative error with a clamped integral settles",
        help="the controller's error: relative to the target, or as written in milliseconds or seconds, unclamped",
        choices=CONTROLS,
    )

    size: int = setting(
        -1,
        source=OURS + "frames enter at their own size",
        help="shorter side at which the network sees a frame, each side in steps of 16; -1 keeps the frame's own",
        minimum=-1,
    )
    slots: int = setting(
        SLOTS,
        source=PAPER + "section 3.1: 100 object queries",
        help="how many of the queries objects take: the most objects of a video, and what training draws from; each of "
        "fewer is met more often, and a small training learned to keep ten apart and not a hundred",
        minimum=1,
    )
    int8: bool = setting(
        False,
        source=PAPER + "section 4.3, stage 3: quantisation-aware training, attention kept in higher precision",
        help="on: linear layers and convolutions outside attention compute on the numbers that INT8 would leave them; "
        "simulated, so that accuracy is that of INT8 and speed is not",
    )
    training: str = setting(
        "reader",
        source="vosbench: a reader that never met a pruned bank fails with one, and a gate learns from a finished one",
        help="what `vosbench train` teaches; a run does not look at it. reader: all but the gate, every token kept; "
        "banks: the same with a bank of another kind and budget for each batch; gate: see gate_training",
        choices=TRAININGS,
    )
    gate_training: str = setting(
        "usage",
        source="vosbench: equations 8 to 10 (gumbel) gave a gate that lost to random tokens in a small training",
        help="how a gate is taught. usage: all else is frozen, and it learns which tokens later frames look at when "
        "every token is kept; gumbel: everything learns through its choice (Gumbel noise, straight-through)",
        choices=GATE_TRAININGS,
    )

    @property
    def tokens(self) -> int:
        """B, the preset's own where none is set."""
        return self.budget or BUDGETS[self.preset.removesuffix("-full")]


def check_settings(settings: Sam2LiteSettings) -> None:
    """Raise `UsageError` for a budget that cannot hold what is asked of it, and for slots that there are not."""
    if settings.slots > SLOTS:
        raise UsageError(
            f"slots is {settings.slots}, and the network has {SLOTS}",
            where="settings of sam2-lite",
            fix=f"give 1 to {SLOTS}",
        )
    if settings.write == "frame32" and settings.tokens < 32:
        raise UsageError(
            f"a budget of {settings.tokens} tokens cannot hold one frame of 32",
            where="settings of sam2-lite",
            fix="set budget to 32 or more, or write=token",
        )
