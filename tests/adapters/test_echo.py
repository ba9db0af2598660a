"""The method that repeats what it was given."""

from __future__ import annotations

import numpy as np
from helpers.sessions import answers

from vosbench.adapters.echo import CARD
from vosbench.contract import Runtime, Weights
from vosbench.types import Frame, Prompt


def test_an_id_stays_where_a_narrower_mask_follows_a_wider_one():
    wide, narrow = np.zeros((4, 6), np.uint16), np.zeros((4, 6), np.uint8)
    wide[:2], narrow[3:] = 300, 5
    image = np.zeros((4, 6, 3), np.uint8)
    prompts = (Prompt(ids=(300,), mask=wide), Prompt(ids=(5,), mask=narrow))
    frames = [Frame(index=i, name=f"{i:05}", image=image, prompt=prompt) for i, prompt in enumerate(prompts)]
    labels = answers(CARD.load(Runtime(), Weights(kind="none"), CARD.settings()), frames)
    assert {0, 5, 300} == set(np.unique(labels[1]))
