#!/usr/bin/env python3
"""Vary-toy inference in plain eager PyTorch on the CPU: the baseline that Vary is timed against.

    vary_toy.py check CASE_DIR             compare with the stored outputs of a parity case
    vary_toy.py bench CHECKPOINT_DIR       time the stages, print one line of JSON
    vary_toy.py alternate CHECKPOINT_DIR --ours 'COMMAND'
                                           run COMMAND and `bench` in turn, print a table

Weights are a flat dictionary of tensors under the names of the checkpoint. README.md has the rest.
"""

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

# `alternate` only starts processes, and stays small: on Linux the peak memory of a child counts
# what its parent had resident when it was started.
if sys.argv[1:2] != ["alternate"]:
    try:
        import numpy as np
        import torch
        import torch.nn.functional as F
        from safetensors import safe_open
    except ImportError as error:
        sys.exit(f"{error}. To install what is missing: pip install torch numpy safetensors")

STAGES = ["load_s", "encode_vocab_s", "encode_clip_s", "prefill_s", "decode_s_per_token", "peak_rss_mb"]
CLIP = "transformer.vision_tower.vision_model."
VOCAB = "transformer.vision_tower_high."

# What a released config.json leaves out.
CLIP_DEFAULTS = dict(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, image_size=224,
                     patch_size=14, layer_norm_eps=1e-5)
SAM_DEFAULTS = dict(img_size=1024, patch_size=16, depth=12, num_heads=12, window_size=14,
                    global_attn_indexes=[2, 5, 8, 11], layer_norm_eps=1e-6)
DEFAULTS = dict(hidden_size=2048, num_hidden_layers=24, num_attention_heads=16, kv_channels=128,
                seq_length=8192, rotary_emb_base=10000.0, layer_norm_epsilon=1e-6,
                use_dynamic_ntk=True, use_logn_attn=True, im_start_token=151857, im_end_token=151858,
                im_patch_token=151859, image_token_len=256, vision_select_layer=-2)


# ---------------------------------------------------------------- checkpoint

def read_config(directory):
    config = json.loads((directory / "config.json").read_text())
    return {**DEFAULTS, **config,
            "clip": {**CLIP_DEFAULTS, **(config.get("clip_config") or {})},
            "sam": {**SAM_DEFAULTS, **(config.get("sam_config") or {})}}


def clip_layers_run(config):
    """How many CLIP layers feed hidden_states[vision_select_layer]; entry 0 is the embedding."""
    select, layers = config["vision_select_layer"], config["clip"]["num_hidden_layers"]
    return select if select >= 0 else layers + 1 + select


def is_unused(key, config):
    if key.startswith(CLIP + "encoder.layers."):
        return int(key[len(CLIP + "encoder.layers."):].split(".")[0]) >= clip_layers_run(config)
    return "post_layernorm" in key or key.endswith((".position_ids", ".rotary_emb.inv_freq"))


def checkpoint_files(directory):
    index = directory / "model.safetensors.index.json"
    if index.exists():
        return [directory / name for name in sorted(set(json.loads(index.read_text())["weight_map"].values()))]
    for name in ["model.safetensors", "weights.safetensors"]:
        if (directory / name).exists():
            return [directory / name]
    sys.exit(f"no model.safetensors and no model.safetensors.index.json in {directory}")


def load_weights(directory, config, dtype):
    """Tensors stored in `dtype` stay mapped: their pages are read at first use, without a copy.
    Others are converted one by one. Opening the file anew for each of them drops the mapping, so
    that the pages already converted don't count as resident memory any longer."""
    weights, others = {}, []
    for path in checkpoint_files(directory):
        with safe_open(path, "pt") as file:
            for key in file.keys():
                if is_unused(key, config):
                    continue
                if (tensor := file.get_tensor(key)).dtype == dtype:
                    weights[key] = tensor
                else:
                    others.append((path, key))
    tensor = None  # the last reference to a mapping that is not needed
    for path, key in others:
        with safe_open(path, "pt") as file:
            weights[key] = file.get_tensor(key).to(dtype)
    return weights


class Part:
    """The weights below a prefix, and the two layers that most of the network consists of."""

    def __init__(self, weights, prefix=""):
        self.weights, self.prefix = weights, prefix

    def __getitem__(self, name):
        return self.weights[self.prefix + name]

    def get(self, name):
        return self.weights.get(self.prefix + name)

    def part(self, prefix):
        return Part(self.weights, self.prefix + prefix)

    def linear(self, name, x):
        return F.linear(x, self[name + ".weight"], self.get(name + ".bias"))

    def layer_norm(self, name, x, eps):
        return F.layer_norm(x, x.shape[-1:], self[name + ".weight"], self[name + ".bias"], eps)


# ---------------------------------------------------------------- vision vocabulary

def offsets_table(table, size):
    """[2 * size - 1, d], a row per offset, to [query, key, d]."""
    if len(table) != 2 * size - 1:
        sys.exit(f"a table of relative positions has {len(table)} rows, not {2 * size - 1}")
    position = torch.arange(size)
    return table[position[:, None] - position[None, :] + size - 1]


def vocab_attention(block, x, heads, path):
    """x [batch, side, side, channels]; the two position terms take the query unscaled."""
    batch, side, _, channels = x.shape
    width = channels // heads
    qkv = block.linear("attn.qkv", x).view(batch, side * side, 3, heads, width)
    q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each [batch, heads, side * side, width]
    grid = q.reshape(batch, heads, side, side, width)
    rows = torch.einsum("bnhwd,hkd->bnhwk", grid, offsets_table(block["attn.rel_pos_h"], side))
    columns = torch.einsum("bnhwd,wkd->bnhwk", grid, offsets_table(block["attn.rel_pos_w"], side))
    # Contiguous, lest the large sum below takes over the order in which einsum left one of them.
    rows, columns = rows.contiguous().unsqueeze(-1), columns.contiguous().unsqueeze(-2)

    square = (batch, heads, side * side, side * side)
    if path == "sdpa":
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=(rows + columns).view(square))
    else:
        scores = ((q * width ** -0.5) @ k.transpose(-2, -1)).view(*rows.shape[:-1], side)
        out = scores.add_(rows).add_(columns).view(square).softmax(-1) @ v
    return block.linear("attn.proj", out.transpose(1, 2).reshape(batch, side, side, channels))


def into_windows(x, size):
    """[batch, side, side, c], zero-padded at the right and bottom, to [batch * count, size, size, c]."""
    side = x.shape[1]
    pad = -side % size
    x = F.pad(x, (0, 0, 0, pad, 0, pad))
    n = (side + pad) // size
    return x.view(-1, n, size, n, size, x.shape[-1]).transpose(2, 3).flatten(0, 2)


def out_of_windows(x, side):
    size = x.shape[1]
    n = -(-side // size)
    x = x.view(-1, n, n, size, size, x.shape[-1]).transpose(2, 3).flatten(3, 4).flatten(1, 2)
    return x[:, :side, :side]


def vocab_tokens(weights, config, image, path):
    return tower_tokens(Part(weights, VOCAB), config["sam"], image, path, F.gelu)


def tower_tokens(tower, sam, image, path, act):
    """[batch, 3, side, side], normalised, to [batch, tokens, channels]."""
    eps = sam["layer_norm_eps"]
    x = F.conv2d(image, tower["patch_embed.proj.weight"], tower["patch_embed.proj.bias"],
                 stride=sam["patch_size"])
    x = x.permute(0, 2, 3, 1) + tower["pos_embed"]
    for i in range(sam["depth"]):
        block, heads = tower.part(f"blocks.{i}."), sam["num_heads"]
        h = block.layer_norm("norm1", x, eps)
        if i in sam["global_attn_indexes"]:
            h = vocab_attention(block, h, heads, path)
        else:
            h = vocab_attention(block, into_windows(h, sam["window_size"]), heads, path)
            h = out_of_windows(h, x.shape[1])
        x = x + h
        h = act(block.linear("mlp.lin1", block.layer_norm("norm2", x, eps)))
        x = x + block.linear("mlp.lin2", h)

    def channel_norm(name, x):
        return tower.layer_norm(name, x.permute(0, 2, 3, 1), eps).permute(0, 3, 1, 2)

    x = channel_norm("neck.1", F.conv2d(x.permute(0, 3, 1, 2), tower["neck.0.weight"]))
    x = channel_norm("neck.3", F.conv2d(x, tower["neck.2.weight"], padding=1))
    for name in ["net_2", "net_3"]:
        x = F.conv2d(x, tower[name + ".weight"], stride=2, padding=1)
    return x.flatten(2).transpose(1, 2)


# ---------------------------------------------------------------- CLIP

def clip_tokens(weights, config, image):
    """[1, 3, side, side], normalised, to [1, tokens, channels]: no class token, no final norm."""
    clip = config["clip"]
    tower, eps = Part(weights, CLIP), clip["layer_norm_eps"]
    x = F.conv2d(image, tower["embeddings.patch_embedding.weight"], stride=clip["patch_size"])
    x = x.flatten(2).transpose(1, 2)
    x = torch.cat([tower["embeddings.class_embedding"].view(1, 1, -1), x], dim=1)
    x = tower.layer_norm("pre_layrnorm", x + tower["embeddings.position_embedding.weight"], eps)
    for i in range(clip_layers_run(config)):
        layer = tower.part(f"encoder.layers.{i}.")
        h = layer.layer_norm("layer_norm1", x, eps)
        q, k, v = (layer.linear(f"self_attn.{n}_proj", h)
                   .unflatten(-1, (clip["num_attention_heads"], -1)).transpose(1, 2) for n in "qkv")
        h = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        x = x + layer.linear("self_attn.out_proj", h)
        h = layer.linear("mlp.fc1", layer.layer_norm("layer_norm2", x, eps))
        x = x + layer.linear("mlp.fc2", h * torch.sigmoid(1.702 * h))
    return x[:, 1:]


# ---------------------------------------------------------------- language model

class Cache:
    """Room for the keys and values of one sequence, and the rotary angles chosen by its prefill."""

    def __init__(self, config, prompt_len, new_tokens, dtype):
        length, width = prompt_len + new_tokens, config["kv_channels"]
        shape = (config["num_hidden_layers"], 1, config["num_attention_heads"], length, width)
        self.k, self.v, self.length = torch.empty(shape, dtype=dtype), torch.empty(shape, dtype=dtype), 0
        base, trained = config["rotary_emb_base"], config["seq_length"]
        if config["use_dynamic_ntk"]:  # fixed by the length of the prompt, also while decoding
            alpha = max(2 ** math.ceil(math.log2(prompt_len / trained) + 1) - 1, 1)
            base *= alpha ** (width / (width - 2))
        frequency = 1.0 / base ** (torch.arange(0, width, 2).float() / width)
        angles = torch.outer(torch.arange(length).float(), frequency).repeat(1, 2)
        self.cos, self.sin = angles.cos(), angles.sin()
        self.logn = None
        if config["use_logn_attn"] and length > trained:
            logn = torch.arange(1, length + 1).float().log() / math.log(trained)
            self.logn = logn.clamp_min(1.0).to(dtype)[:, None]


def rms_norm(x, weight, eps):
    wide = x.float()
    return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)).to(x.dtype) * weight


def rotate(x, cos, sin):
    wide = x.float()
    first, second = wide.chunk(2, dim=-1)
    return (wide * cos + torch.cat([-second, first], dim=-1) * sin).to(x.dtype)


def merge_images(config, ids, x, images):
    """Puts image i, [1, n, hidden], between the i-th start token and its end token."""
    n = config["image_token_len"]
    starts = (ids == config["im_start_token"]).nonzero().flatten().tolist()
    if len(starts) != len(images):
        sys.exit(f"{len(starts)} image start tokens for {len(images)} images")
    for start, image in zip(starts, images):
        if start + n + 1 >= len(ids) or ids[start + n + 1] != config["im_end_token"]:
            sys.exit(f"the image at {start} has no end token after {n} others")
        x[:, start + 1:start + 1 + n] = image
    return x


def language_model(weights, config, ids, cache, images=(), all_logits=False):
    """ids [n], either a whole prompt or one more token; logits [1, 1 or n, vocabulary]."""
    past, n, eps = cache.length, len(ids), config["layer_norm_epsilon"]
    assert past == 0 or n == 1
    here = slice(past, past + n)
    cos, sin = cache.cos[here], cache.sin[here]
    body = Part(weights, "transformer.")
    x = F.embedding(ids, body["wte.weight"]).unsqueeze(0)
    if images:
        x = merge_images(config, ids, x, images)
    for i in range(config["num_hidden_layers"]):
        layer = body.part(f"h.{i}.")
        h = layer.linear("attn.c_attn", rms_norm(x, layer["ln_1.weight"], eps))
        q, k, v = (t.unflatten(-1, (config["num_attention_heads"], -1)).transpose(1, 2)
                   for t in h.chunk(3, dim=-1))
        q = rotate(q, cos, sin)
        if cache.logn is not None:
            q = q * cache.logn[here]
        cache.k[i][:, :, here], cache.v[i][:, :, here] = rotate(k, cos, sin), v
        h = F.scaled_dot_product_attention(q, cache.k[i][:, :, :past + n], cache.v[i][:, :, :past + n],
                                           is_causal=past == 0)
        x = x + layer.linear("attn.c_proj", h.transpose(1, 2).flatten(2))
        h = rms_norm(x, layer["ln_2.weight"], eps)
        h = layer.linear("mlp.w1", h) * F.silu(layer.linear("mlp.w2", h))
        x = x + layer.linear("mlp.c_proj", h)
    cache.length += n
    x = rms_norm(x if all_logits else x[:, -1:], body["ln_f.weight"], eps)
    return F.linear(x, weights["lm_head.weight"])


class VaryToy:
    def __init__(self, directory, dtype, path="sdpa"):
        self.config, self.dtype, self.path = read_config(directory), dtype, path
        self.weights = load_weights(directory, self.config, dtype)
        self.body = Part(self.weights, "transformer.")

    def encode_vocab(self, image):
        tokens = vocab_tokens(self.weights, self.config, image, self.path)
        return tokens, self.body.linear("mm_projector_vary", tokens)

    def encode_clip(self, image):
        tokens = clip_tokens(self.weights, self.config, image)
        return tokens, self.body.linear("mm_projector", tokens)

    def prefill(self, ids, images, new_tokens, all_logits=False):
        cache = Cache(self.config, len(ids), new_tokens, self.dtype)
        return cache, language_model(self.weights, self.config, ids, cache, images, all_logits)

    def decode(self, token, cache):
        return language_model(self.weights, self.config, token, cache)

    def greedy(self, ids, images, count):
        """`count` tokens, the first from the prefill, and the logits they were taken from."""
        cache, logits = self.prefill(ids, images, count)
        steps = [logits[0, -1]]
        while len(steps) < count:
            steps.append(self.decode(steps[-1].argmax().view(1), cache)[0, -1])
        steps = torch.stack(steps)
        return steps.argmax(-1), steps


# ---------------------------------------------------------------- check

def check(args):
    """A `vary_toy` case, or a `qwen` one, which goes beyond seq_length."""
    with safe_open(args.case / "io.safetensors", "pt") as file:
        io = {key: file.get_tensor(key) for key in file.keys() if not key.startswith(("grad.", "train_"))}
    failures = []

    def compare(name, ours, golden, tolerance):
        error = (ours - golden).abs().max().item()
        if not error <= tolerance:  # also if it is NaN
            failures.append(name)
        print(f"{'ok  ' if error <= tolerance else 'FAIL'} {name}: largest error {error:.1e}, allowed {tolerance:.0e}")

    model = VaryToy(args.case, torch.float32)

    def compare_prompt(name, ids, images, golden, tolerance):
        compare(name, model.prefill(ids, images, 0, all_logits=True)[1][0], golden, tolerance)

    def compare_greedy(name, ids, images, tolerance, logits="greedy_step_logits"):
        golden = io[name][0]
        tokens, steps = model.greedy(ids, images, len(golden))
        compare(name, tokens, golden, 0)
        if logits in io:
            compare(logits, steps, io[logits].view_as(steps), tolerance)

    if "images_high" in io:
        for model.path in args.paths:
            images = []
            for i in range(len(io["images_high"])):
                clip, clip_half = model.encode_clip(io["images_clip"][i:i + 1])
                vocab, vocab_half = model.encode_vocab(io["images_high"][i:i + 1])
                images.append(torch.cat([clip_half, vocab_half], dim=-1))
                compare(f"clip_tokens[{i}]", clip[0], io["clip_tokens"][i], 1e-4)
                compare(f"vocab_tokens[{i}] ({model.path})", vocab[0], io["vocab_tokens"][i], 2e-4)
                compare(f"image_tokens[{i}] ({model.path})", images[i][0], io["image_tokens"][i], 2e-4)
        for row, mask in enumerate(io["attention_mask"].bool()):  # padding is at the right
            compare_prompt(f"logits[{row}]", io["input_ids"][row][mask], images[row:row + 1],
                           io["logits"][row][mask], 5e-4)
        compare_prompt("two_image_logits", io["two_image_prompt_ids"][0], images, io["two_image_logits"][0], 5e-4)
        compare_greedy("greedy_new_ids", io["greedy_prompt_ids"][0], images[:1], 5e-4)
        compare_greedy("two_image_greedy_new_ids", io["two_image_prompt_ids"][0], images, 5e-4, None)
    else:
        for row, mask in enumerate(io["short_mask"].bool()):
            compare_prompt(f"short_logits[{row}]", io["short_ids"][row][mask], (), io["short_logits"][row][mask], 3e-4)
        for name in ["at_seq_length", "long_a", "long_b"]:
            compare_prompt(name + "_logits", io[name + "_ids"][0], (), io[name + "_logits"][0], 3e-4)
        compare_greedy("greedy_new_ids", io["greedy_prompt_ids"][0], (), 3e-4)
        compare_greedy("cross_new_ids", io["cross_prompt_ids"][0], (), 3e-4, "cross_step_logits")
    sys.exit(f"failed: {', '.join(failures)}" if failures else 0)


# ---------------------------------------------------------------- bench

def noise(seed, shape):
    """Uniform, mean 0 and deviation 1, from the SplitMix64 of seed * 2**32 + index: easy to
    reproduce elsewhere."""
    with np.errstate(over="ignore"):
        z = (np.arange(math.prod(shape), dtype=np.uint64) + np.uint64(seed << 32)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    unit = (z >> np.uint64(40)).astype(np.float64) / 2 ** 24
    return torch.from_numpy(((unit * 2 - 1) * math.sqrt(3)).astype(np.float32)).view(shape)


def prompt(config, length):
    """Text, the image, text; the i-th text id is 7919 * (i + 1) modulo the start token's id."""
    pads = config["image_token_len"]
    text = length - pads - 2
    if text < 1:
        sys.exit(f"--prompt-len must be at least {pads + 3}")
    ids = [7919 * (i + 1) % config["im_start_token"] for i in range(text)]
    image = [config["im_start_token"], *[config["im_patch_token"]] * pads, config["im_end_token"]]
    return torch.tensor(ids[:text // 2] + image + ids[text // 2:])


def peak_rss_mb():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2 ** 20 if sys.platform == "darwin" else peak / 2 ** 10


def bench(args):
    torch.set_num_threads(args.threads)
    torch.set_num_interop_threads(1)
    times = {stage: [] for stage in STAGES[:-1]}

    def timed(stage, function, *arguments):
        start = time.perf_counter()
        result = function(*arguments)
        times[stage].append(time.perf_counter() - start)
        return result

    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[args.dtype]
    model = timed("load_s", VaryToy, args.checkpoint, dtype, args.attention)
    config = model.config
    high, low = config["sam"]["img_size"], config["clip"]["image_size"]
    high, low = noise(1, (1, 3, high, high)).to(dtype), noise(2, (1, 3, low, low)).to(dtype)
    ids = prompt(config, args.prompt_len)

    def prefill():
        cache, logits = model.prefill(ids, [torch.cat([clip, vocab], dim=-1)], args.tokens)
        return cache, logits[0, -1].argmax().view(1)

    def decode():
        return model.decode(tokens[-1], cache)[0, -1].argmax().view(1)

    for _ in range(args.repeat):
        vocab = timed("encode_vocab_s", model.encode_vocab, high)[1]
        clip = timed("encode_clip_s", model.encode_clip, low)[1]
        cache, first = timed("prefill_s", prefill)
        tokens = [first]
        while len(tokens) < args.tokens:
            tokens.append(timed("decode_s_per_token", decode))
        del cache
    report = {stage: round(statistics.median(t), 6) if t else None for stage, t in times.items()}
    print(json.dumps({**report, "peak_rss_mb": round(peak_rss_mb(), 1), "threads": args.threads,
                      "dtype": args.dtype, "torch": torch.__version__, "attention": args.attention,
                      "prompt_len": args.prompt_len, "repeat": args.repeat,
                      "ids": torch.cat(tokens).tolist()}))


# ---------------------------------------------------------------- alternate

def last_json_line(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, **options)
    lines = done.stdout.strip().splitlines()
    try:
        if done.returncode == 0:
            result = json.loads(lines[-1])
            print(lines[-1], file=sys.stderr, flush=True)
            return result
    except (IndexError, ValueError):
        pass
    sys.exit(f"exit code {done.returncode}, or a last line that is not JSON: {command}")


def take_turns(rounds, bench_command, ours):
    """The reports of both programs; which goes first changes from round to round."""
    runs = {"torch": [], "ours": []}
    for i in range(rounds):
        for name in ["torch", "ours"] if i % 2 == 0 else ["ours", "torch"]:
            run = last_json_line(ours, shell=True) if name == "ours" else last_json_line(bench_command)
            runs[name].append(run)
    return runs


def alternate(args, script=__file__, stages=STAGES):
    """Compares `bench` of a script with another program; prints a table."""
    bench_command = [sys.executable, os.path.abspath(script), "bench", str(args.checkpoint)]
    for name in ["dtype", "threads", "tokens", "repeat", "prompt_len", "attention"]:
        if name in args:
            bench_command += ["--" + name.replace("_", "-"), str(getattr(args, name))]
    runs = take_turns(args.rounds, bench_command, args.ours)
    first, other = runs["torch"][0], runs["ours"][0]
    for field in ["dtype", "threads", "prompt_len"]:
        if field in other and other[field] != first[field]:
            print(f"Not comparable: {field} is {first[field]} in torch, {other[field]} in ours.\n")
    print(f"Medians of {args.rounds} alternating rounds; torch {first['torch']}, {args.dtype}, "
          f"{args.threads} threads, prompt of {args.prompt_len}, {args.tokens} new tokens.\n")
    print("| stage | torch | ours | torch / ours |\n| --- | ---: | ---: | ---: |")
    for stage in stages:
        pair = []
        for name in ["torch", "ours"]:
            values = [run[stage] for run in runs[name] if run.get(stage) is not None]
            pair.append(statistics.median(values) if values else None)
        shown = ["-" if value is None else f"{value:.4g}" if value < 1000 else f"{value:.0f}" for value in pair]
        ratio = f"{pair[0] / pair[1]:.2f}" if None not in pair and pair[1] > 0 else "-"
        print(f"| {stage} | {shown[0]} | {shown[1]} | {ratio} |")
    if other.get("ids"):
        same = sum(a == b for a, b in zip(first["ids"], other["ids"]))
        print(f"\n{same} of {len(first['ids'])} generated ids are the same.")


def arguments(sub, prompt_len):
    """The options of `bench` and `alternate`."""
    sub.add_argument("checkpoint", type=Path)
    sub.add_argument("--dtype", choices=["f32", "bf16"], default="bf16")
    sub.add_argument("--threads", type=int, default=2)
    sub.add_argument("--tokens", type=int, default=16, help="the first comes from the prefill")
    sub.add_argument("--repeat", type=int, default=1)
    sub.add_argument("--prompt-len", type=int, default=prompt_len)


def main():
    paths = ["sdpa", "explicit"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    sub = commands.add_parser("check")
    sub.add_argument("case", type=Path)
    sub.set_defaults(run=check, paths=paths)
    for name, run in [("bench", bench), ("alternate", alternate)]:
        sub = commands.add_parser(name)
        arguments(sub, 290)
        sub.add_argument("--attention", choices=paths, default="sdpa")
        sub.set_defaults(run=run)
    sub.add_argument("--rounds", type=int, default=3)
    sub.add_argument("--ours", required=True, metavar="COMMAND")
    args = parser.parse_args()
    for name in ["threads", "tokens", "repeat", "rounds"]:
        if getattr(args, name, 1) < 1:
            parser.error(f"--{name} must be at least 1")
    if args.command == "alternate":
        return args.run(args)
    with torch.inference_mode():
        args.run(args)


if __name__ == "__main__":
    main()
