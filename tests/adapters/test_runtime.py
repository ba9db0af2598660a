from __future__ import annotations

import pytest
import torch

from vosbench.adapters.nn.runtime import computing, full_precision
from vosbench.contract import Runtime


@pytest.mark.parametrize(("precision", "expected"), [("fp32", False), ("tf32", True)])
def test_tf32_is_what_was_asked_for_and_only_inside(precision: str, expected: bool):
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    with computing(Runtime(precision=precision)):
        assert (expected, expected) == (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32)
    assert before == (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32)


def test_half_precision_is_for_the_network_and_not_for_the_memory():
    with computing(Runtime(precision="bf16")):
        a = torch.ones(4, 4)
        assert torch.bfloat16 == (a @ a).dtype
        with full_precision(a.device):
            assert torch.float32 == (a @ a).dtype
        assert not torch.is_grad_enabled()
