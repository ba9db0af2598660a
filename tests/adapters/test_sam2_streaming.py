"""SAM 2 and EdgeTAM streamed: equal to the library's own session, in constant memory."""

from __future__ import annotations

import dataclasses
import importlib.util

import numpy as np
import pytest
import torch

from vosbench.adapters.sam2 import load_edgetam, load_sam2
from vosbench.adapters.sam2.settings import EdgeTamSettings, Sam2Settings
from vosbench.contract import Runtime, View, Weights
from vosbench.errors import AdapterError, CheckpointError
from vosbench.types import Frame, Prompt

pytest.importorskip("transformers", reason="the extra 'sam2' is not installed")

from vosbench.adapters.sam2 import model as sam2_model
from vosbench.adapters.sam2.session import StreamingSession, image_to_square

SIDE = 64
HEIGHT, WIDTH = 90, 150
FRAMES = 40
COMPARED = 20
LATE = 2
SETTLED = LATE + 16
"""From this frame on every object has as many pointers as are ever kept."""

TRUNK = {
    "hidden_size": 16,
    "num_attention_heads": 1,
    "blocks_per_stage": [1, 1, 2, 1],
    "global_attention_blocks": [3],
    "embed_dim_per_stage": [16, 32, 64, 128],
    "num_attention_heads_per_stage": [1, 1, 1, 1],
}
"""A trunk as small as can be: memory and pointers do not depend on it."""


def _sam2():
    from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession, Sam2VideoModel

    config = sam2_model.sam2_config(Sam2Settings(image_size=SIDE))
    _shrink(config.vision_config)
    torch.manual_seed(0)
    return sam2_model.mend_sam2(Sam2VideoModel(config)).eval(), Sam2VideoInferenceSession


def _shrink(vision):
    for name, value in TRUNK.items():
        setattr(vision.backbone_config, name, value)
    vision.backbone_channel_list = TRUNK["embed_dim_per_stage"][::-1]


def _edgetam():
    from transformers.models.edgetam_video.modeling_edgetam_video import (
        EdgeTamVideoInferenceSession,
        EdgeTamVideoModel,
    )

    torch.manual_seed(0)
    return sam2_model.mend_edgetam(EdgeTamVideoModel(_edgetam_config())).eval(), EdgeTamVideoInferenceSession


def _edgetam_config():
    """The library's default network, which is not the released one but has all of its memory, at a small size."""
    from transformers import EdgeTamVideoConfig, Sam2VisionConfig

    vision = Sam2VisionConfig(backbone_feature_sizes=[[SIDE // stride] * 2 for stride in (4, 8, 16)])
    vision.backbone_config.image_size = [SIDE, SIDE]
    _shrink(vision)
    config = EdgeTamVideoConfig(
        vision_config=vision,
        memory_attention_rope_feat_sizes=[SIDE // 16] * 2,
        memory_attention_rope_k_sizes=[4, 4],
        perceiver_resampler_num_latents=16,
        perceiver_resampler_num_latents_2d=16,
    )
    config.image_size = config.prompt_encoder_config.image_size = SIDE
    return config


def _frames(count=FRAMES):
    generator = np.random.default_rng(0)
    image = generator.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    first, late = np.zeros((HEIGHT, WIDTH), np.uint8), np.zeros((HEIGHT, WIDTH), np.uint8)
    first[10:40, 20:60], first[50:80, 70:110] = 2, 7
    late[15:45, 100:140] = 5
    prompts = {0: Prompt(ids=(2, 7), mask=first), LATE: Prompt(ids=(5,), mask=late)}
    return [
        Frame(index=index, name=f"{index:05d}", image=np.roll(image, 2 * index, axis=1), prompt=prompts.get(index))
        for index in range(count)
    ]


class _Listening:
    """The library's model, which tells the logits of every frame."""

    def __init__(self, network):
        self.network = network
        self.config = network.config
        self.logits = []

    def __call__(self, **named):
        answer = self.network(**named)
        self.logits.append((tuple(answer.object_ids), answer.pred_masks.clone()))
        return answer


def _unpruned(network, make_session):
    """The logits of the library's own session, which keeps everything."""
    session = make_session(video_height=HEIGHT, video_width=WIDTH, dtype=torch.float32)
    logits = []
    with torch.inference_mode():
        for frame in _frames(COMPARED):
            ids = [] if frame.prompt is None else list(frame.prompt.ids)
            for number in ids:
                plane = torch.from_numpy(frame.prompt.mask == number)[None, None].float()
                mask = torch.nn.functional.interpolate(
                    plane, (SIDE, SIDE), mode="bilinear", align_corners=False, antialias=True
                )
                session.add_mask_inputs(session.obj_id_to_idx(number), frame.index, (mask >= 0.5).float())
            session.obj_with_new_inputs = ids
            pixels = image_to_square(frame.image, SIDE, torch.device("cpu"))
            answer = network(inference_session=session, frame=pixels, frame_idx=frame.index)
            logits.append((tuple(answer.object_ids), answer.pred_masks.clone()))
    return logits


@pytest.mark.parametrize("make", [_sam2, _edgetam], ids=["sam2", "edgetam"])
def test_streamed_logits_are_those_of_the_librarys_own_session_in_constant_memory(make):
    network, make_session = make()
    listening = _Listening(network)
    view = View(id="video", height=HEIGHT, width=WIDTH)
    session = StreamingSession(view, listening, make_session, Runtime())
    footprints = []
    for frame in _frames():
        labels = session.step(frame)
        assert (HEIGHT, WIDTH) == labels.shape
        assert set(np.unique(labels)) <= {0, 2, 5, 7}
        if frame.prompt is not None:
            assert np.array_equal(frame.prompt.mask[frame.prompt.mask > 0], labels[frame.prompt.mask > 0])
        footprints.append(sum(session.footprint().values()))
    expected = _unpruned(network, make_session)
    for (ids, logits), (ids_streamed, streamed) in zip(expected, listening.logits[:COMPARED], strict=True):
        assert ids == ids_streamed
        assert torch.equal(logits, streamed)
    assert {footprints[SETTLED]} == set(footprints[SETTLED:])
    assert footprints[0] < footprints[SETTLED]
    session.close()
    assert {} == session.footprint()


@pytest.mark.parametrize("make", [_sam2, _edgetam], ids=["sam2", "edgetam"])
def test_an_object_is_followed_as_if_no_other_had_entered(make):
    network, make_session = make()
    logits = {}
    for late in (True, False):
        listening = _Listening(network)
        session = StreamingSession(View(id="video", height=HEIGHT, width=WIDTH), listening, make_session, Runtime())
        for frame in _frames(LATE + 4):
            session.step(frame if late or frame.index != LATE else dataclasses.replace(frame, prompt=None))
        logits[late] = [planes[:2] for _, planes in listening.logits]
    for beside, alone in zip(logits[True], logits[False], strict=True):
        torch.testing.assert_close(beside, alone)


@pytest.mark.parametrize("make", [_sam2, _edgetam], ids=["sam2", "edgetam"])
def test_a_video_is_answered_in_bf16(make):
    session = StreamingSession(View(id="video", height=HEIGHT, width=WIDTH), *make(), Runtime(precision="bf16"))
    for frame in _frames(LATE + 3):
        labels = session.step(frame)
        assert (HEIGHT, WIDTH) == labels.shape
        assert {0, 2, 5, 7} >= set(np.unique(labels))


@pytest.mark.parametrize("make", [_sam2, _edgetam], ids=["sam2", "edgetam"])
def test_the_trunk_is_compiled_where_a_run_asks_for_it(make, monkeypatch):
    calls = []

    def compiled(function, **_options):
        return lambda *arguments, **named: calls.append(function) or function(*arguments, **named)

    monkeypatch.setattr(torch, "compile", compiled)
    network, make_session = make()
    runtime = Runtime(compile=True)
    network = sam2_model._ready(network, runtime)
    session = StreamingSession(View(id="video", height=HEIGHT, width=WIDTH), network, make_session, runtime)
    for frame in _frames(3):
        session.step(frame)
    assert [network.vision_encoder._call_impl] * 3 == calls


def test_random_weights_are_the_same_for_one_seed_and_leave_the_global_generator_alone():
    settings = Sam2Settings(image_size=SIDE)
    before = torch.random.get_rng_state()
    first, second, other = (load_sam2(Runtime(), Weights(kind="random", seed=seed), settings) for seed in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    weights = [
        model.networks()[0].prompt_encoder.shared_embedding.positional_embedding for model in (first, second, other)
    ]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize(
    ("size", "expected"),
    [("tiny", 38_962_498), ("small", 46_060_354), ("base-plus", 80_850_178), ("large", 224_446_642)],
)
def test_sizes_have_the_published_parameters(size, expected):
    from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoModel

    with torch.device("meta"):
        network = Sam2VideoModel(sam2_model.sam2_config(Sam2Settings(trunk=size)))
    assert expected == sum(parameter.numel() for parameter in network.parameters())


def test_a_checkpoint_folder_is_loaded_and_a_wrong_one_refused(tmp_path):
    network, _ = _sam2()
    network.save_pretrained(tmp_path / "good")
    model = load_sam2(Runtime(), Weights(kind="checkpoint", path=tmp_path / "good"), Sam2Settings())
    assert SIDE == model.networks()[0].config.image_size
    loaded = model.networks()[0].state_dict()
    assert all(torch.equal(value, loaded[key]) for key, value in network.state_dict().items())
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=r"no folder with a config\.json"):
        load_sam2(Runtime(), Weights(kind="checkpoint", path=tmp_path / "empty"), Sam2Settings())
    (tmp_path / "good" / "model.safetensors").write_bytes(b"cut off")
    with pytest.raises(CheckpointError, match="cannot be read as weights"):
        load_sam2(Runtime(), Weights(kind="checkpoint", path=tmp_path / "good"), Sam2Settings())


@pytest.mark.skipif(importlib.util.find_spec("timm") is not None, reason="timm is installed here")
def test_edgetam_says_what_is_missing():
    with pytest.raises(AdapterError, match="'edgetam' needs the package timm"):
        load_edgetam(Runtime(), Weights(kind="random"), EdgeTamSettings())
