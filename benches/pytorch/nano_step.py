#!/usr/bin/env python3
"""Optimizer steps of Vary-tiny+ (vision vocabulary and OPT) in plain eager PyTorch on the CPU: the baseline
that training is timed against.

    nano_step.py bench CHECKPOINT_DIR      time the steps, print one line of JSON with the losses
    nano_step.py alternate CHECKPOINT_DIR --ours 'COMMAND'
                                           run COMMAND and `bench` in turn, print a table

README.md has the rest.
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

from vary_toy import take_turns

if sys.argv[1:2] != ["alternate"]:
    import torch
    import torch.nn.functional as F
    from vary_toy import Part, checkpoint_files, noise, peak_rss_mb, safe_open, tower_tokens


def load(directory):
    config = json.loads((directory / "config.json").read_text())
    weights = {}
    for path in checkpoint_files(directory):
        with safe_open(path, "pt") as file:
            for key in file.keys():
                if key != "lm_head.weight":  # tied
                    weights[key] = file.get_tensor(key).float().requires_grad_()
    return config, weights


def decoder_logits(weights, config, x, learned):
    """[batch, length, hidden] without positions to the logits of the positions `learned`."""
    body, heads = Part(weights, "model.decoder."), config["num_attention_heads"]
    x = x + body["embed_positions.weight"][2:2 + x.shape[1]]
    for i in range(config["num_hidden_layers"]):
        layer = body.part(f"layers.{i}.")
        h = layer.layer_norm("self_attn_layer_norm", x, 1e-5)
        q, k, v = (layer.linear(f"self_attn.{n}_proj", h).unflatten(-1, (heads, -1)).transpose(1, 2)
                   for n in "qkv")
        h = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
        x = x + layer.linear("self_attn.out_proj", h)
        h = F.relu(layer.linear("fc1", layer.layer_norm("final_layer_norm", x, 1e-5)))
        x = x + layer.linear("fc2", h)
    x = body.layer_norm("final_layer_norm", x[:, learned], 1e-5)
    return F.linear(x, body["embed_tokens.weight"])


def bench(args):
    torch.set_num_threads(args.threads)
    torch.set_num_interop_threads(1)
    config, weights = load(args.checkpoint)
    sam, pads = config["sam_config"], config["image_token_len"]
    size, act = sam["img_size"], {"relu": F.relu, "gelu": F.gelu}[sam["hidden_act"]]
    pixels = torch.cat([noise(1 + i, (1, 3, size, size)) for i in range(args.batch)])
    text = args.len - pads - 2
    if text < 2:
        sys.exit(f"--len must be at least {pads + 4}")
    half = text // 2
    ids = torch.tensor([7919 * (i + 1) % config["im_patch_token"] for i in range(text)])
    # Tokens after the image but the first are learned; position i - 1 predicts token i.
    labels = ids[half + 1:].expand(args.batch, -1)
    learned = slice(half + pads + 2, args.len - 1)
    special = torch.tensor([config["im_start_token"], config["im_end_token"]])
    optimizer = torch.optim.AdamW(weights.values(), lr=1e-3, weight_decay=0.0)

    def step():
        tokens = tower_tokens(Part(weights, "model.vision_tower."), sam, pixels, args.attention, act)
        tokens = Part(weights, "model.").linear("mm_projector", tokens)
        table = weights["model.decoder.embed_tokens.weight"]
        embedded = F.embedding(torch.cat([ids, special]), table).expand(args.batch, -1, -1)
        x = torch.cat([embedded[:, :half], embedded[:, text:text + 1], tokens,
                       embedded[:, text + 1:], embedded[:, half:text]], dim=1)
        logits = decoder_logits(weights, config, x, learned)
        loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights.values(), 1.0)
        optimizer.step()
        return loss.item()

    losses, seconds = [], []
    for _ in range(args.steps):
        start = time.perf_counter()
        losses.append(step())
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"step_s": statistics.median(seconds[1:]), "losses": losses, "peak_rss_mb": peak_rss_mb(),
                      "batch": args.batch, "len": args.len, "threads": args.threads,
                      "torch": torch.__version__, "attention": args.attention}))


def alternate(args):
    command = [sys.executable, os.path.abspath(__file__), "bench", str(args.checkpoint)]
    for name in ["threads", "steps", "batch", "len", "attention"]:
        command += ["--" + name, str(getattr(args, name))]
    runs = take_turns(args.rounds, command, args.ours)
    first, other = runs["torch"][0], runs["ours"][0]
    for field in ["batch", "len"]:
        if other[field] != first[field]:
            sys.exit(f"Not comparable: {field} is {first[field]} in torch, {other[field]} in ours.")
    print(f"Medians of {args.rounds} alternating rounds; torch {first['torch']}, {args.threads} threads, "
          f"{args.batch} samples of {args.len} tokens.\n")
    print("| | torch | ours | torch / ours |\n| --- | ---: | ---: | ---: |")
    for field in ["step_s", "peak_rss_mb"]:
        torch_median, ours = (statistics.median(run[field] for run in runs[name]) for name in ["torch", "ours"])
        print(f"| {field} | {torch_median:.4g} | {ours:.4g} | {torch_median / ours:.2f} |")
    worst = max(abs(a - b) / a for a, b in zip(first["losses"], other["losses"]))
    print(f"\nThe losses of {len(first['losses'])} steps differ by at most {worst:.1e}.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, run in [("bench", bench), ("alternate", alternate)]:
        sub = commands.add_parser(name)
        sub.add_argument("checkpoint", type=Path)
        sub.add_argument("--threads", type=int, default=2)
        sub.add_argument("--steps", type=int, default=6, help="the first is left out of the median")
        sub.add_argument("--batch", type=int, default=24)
        sub.add_argument("--len", type=int, default=100, help="tokens of a sequence, the image's included")
        sub.add_argument("--attention", choices=["sdpa", "explicit"], default="sdpa")
        sub.set_defaults(run=run)
    sub.add_argument("--rounds", type=int, default=3)
    sub.add_argument("--ours", required=True, metavar="COMMAND")
    args = parser.parse_args()
    if args.steps < 2:
        parser.error("--steps must be at least 2")
    args.run(args)


if __name__ == "__main__":
    main()
