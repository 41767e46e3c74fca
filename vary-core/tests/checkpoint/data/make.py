"""Makes the PyTorch files of this folder (torch 2.x): values count up from each tensor's start."""

import torch


def ramp(*shape, dtype=torch.float32):
    count = torch.Size(shape).numel()
    return torch.arange(count, dtype=torch.float32).reshape(shape).to(dtype)


# The gap before block 2 must survive: readers that renumber lists lose it.
state = {
    "model.blocks.0.fc.weight": ramp(3, 2),
    "model.blocks.0.fc.bias": ramp(3, dtype=torch.float16),
    "model.blocks.2.fc.weight": ramp(2, 3).t(),
    "model.blocks.2.fc.bias": ramp(3, dtype=torch.bfloat16),
    "model.position_ids": torch.arange(4),
}
torch.save(state, "state.bin")
torch.save({"state_dict": state, "epoch": 3}, "nested.pth")
# Ten gigabytes of zeros in a kilobyte.
torch.save({"a": torch.zeros(1).expand(50_000, 50_000)}, "stride0.bin")
