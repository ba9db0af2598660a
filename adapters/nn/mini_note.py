"""What a card says of a small model that was trained as the others of the controlled comparison."""

from __future__ import annotations


def mini_note(jf: float) -> str:
    """Gives back a card's note: terms of use, and ``jf``, the J&F on the five sequences, in percent."""
    return (
        "The mini was trained on DAVIS's training sequences among others: for non-commercial use. Five of DAVIS 2016's "
        "20 validation sequences, which it has not seen and was not chosen on: "
        f"J&F {jf:.1f} (blackswan, dog, drift-straight, horsejump-high, libby)."
    )
