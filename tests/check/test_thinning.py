"""Thinning rules: every probe of the reference fixtures has one, and what it keeps has the stored shape."""

from __future__ import annotations

import numpy as np
import pytest

from vosbench.check.thinning import family_of, probe_of, thin_grid, thin_logits, thinned


@pytest.mark.parametrize(
    ("network", "name", "whole", "stored"),
    [
        ("xmem", "f16_t0", (1024, 8, 14), (16, 8, 14)),
        ("xmem", "f8_t0", (512, 16, 28), (8, 8, 14)),
        ("xmem", "f4_t0", (256, 32, 56), (4, 8, 14)),
        ("xmem", "shrink_t0", (1, 8, 14), (1, 8, 14)),
        ("xmem", "readout_t8", (2, 512, 8, 14), (2, 64, 8, 14)),
        ("xmem", "work_key_end_first4", (64, 448), (4, 448)),
        ("xmem", "work_value_g0_end", (2, 512, 120), (2, 8, 120)),
        ("xmem", "hidden_end", (4, 64, 8, 14), (4, 8, 8, 14)),
        ("xmem_no_sensory", "long_usage_end", (90,), (90,)),
        ("stcn", "f16thin_t0", (512, 8, 14), (16, 8, 14)),
        ("stcn", "readout_call17", (1, 512, 8, 14), (1, 64, 8, 14)),
        ("AOT:deaotl", "input_t0", (3, 129, 225), (3, 17, 29)),
        ("AOT:r50_aotl", "lt_v_l0_t0", (135, 256), (135, 8)),
        ("AOT:r50_aotl", "lt_idv_l2_t0", (135, 256), (135, 16)),
        ("MAVOS:mavos", "lt_idv_l2_t0", (112, 512), (112, 16)),
        ("MAVOS:mavos", "lt_idv_l2_end", (224, 512), (224, 8)),
        ("MAVOS:mavos", "feat0_t0", (24, 30, 54), (8, 8, 14)),
        ("MAVOS:mavos", "feat2_t0", (96, 8, 14), (8, 8, 14)),
        ("MAVOS:mavos", "enc_t0", (256, 8, 14), (16, 8, 14)),
        ("MAVOS:mavos", "id_emb_t0", (112, 256), (112, 32)),
        ("MAVOS:mavos", "lstt_out_t8", (112, 512), (112, 16)),
        ("MAVOS:mavos", "lt_k_l0_end", (224, 128), (224, 8)),
        ("MAVOS:mavos", "st_v_l1_end", (512, 8, 14), (8, 8, 14)),
    ],
)
def test_a_whole_tensor_becomes_what_the_fixture_stores(
    network: str, name: str, whole: tuple[int, ...], stored: tuple[int, ...]
) -> None:
    family = family_of(network, "fixture.json")
    kept = thinned(np.zeros(whole), probe_of(name, 16, family, "outputs.npz"), family)
    assert kept is not None
    assert stored == kept.shape


@pytest.mark.parametrize(
    ("name", "frame"), [("key_t0", 0), ("readout_t42", 42), ("hidden_end", 83), ("work_key_end_first4", 83)]
)
def test_a_probe_names_its_frame(name: str, frame: int) -> None:
    assert frame == probe_of(name, 84, family_of("xmem", ""), "").frame


def test_a_probe_of_a_memory_call_names_no_frame() -> None:
    assert probe_of("readout_call3", 16, family_of("stcn", ""), "").frame is None


def test_a_tensor_of_too_few_axes_is_not_thinned() -> None:
    family = family_of("stcn", "")
    assert thinned(np.zeros(4), probe_of("readout_call0", 16, family, ""), family) is None


def test_grids_start_at_pixel_2_and_logits_at_pixel_0() -> None:
    plane = np.arange(12)[None, None, :] * np.ones((1, 12, 1))
    assert [2, 6, 10] == thin_grid(plane, 1)[0, 0].tolist()
    assert [2, 10] == thin_grid(plane, 2)[0, 0].tolist()
    assert [0, 2, 4, 6, 8, 10] == thin_logits(plane, 2)[0, 0].tolist()
