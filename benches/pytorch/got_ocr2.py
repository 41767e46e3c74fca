#!/usr/bin/env python3
"""GOT-OCR2.0 by transformers' own class on the CPU: the baseline that Vary is timed against.

    got_ocr2.py bench CHECKPOINT_DIR       time the stages, print one line of JSON
    got_ocr2.py alternate CHECKPOINT_DIR --ours 'COMMAND'
                                           run COMMAND and `bench` in turn, print a table

CHECKPOINT_DIR is in the layout of transformers. README.md has the rest.
"""

import argparse
import json
import statistics
import time

import vary_toy
from vary_toy import arguments, noise, peak_rss_mb, prompt

STAGES = ["load_s", "encode_vocab_s", "prefill_s", "decode_s_per_token", "peak_rss_mb"]


def bench(args):
    import torch
    import transformers

    torch.set_num_threads(args.threads)
    torch.set_num_interop_threads(1)
    times = {stage: [] for stage in STAGES[:-1]}

    def timed(stage, function, *arguments, **options):
        start = time.perf_counter()
        result = function(*arguments, **options)
        times[stage].append(time.perf_counter() - start)
        return result

    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[args.dtype]
    model = timed("load_s", transformers.GotOcr2ForConditionalGeneration.from_pretrained,
                  args.checkpoint, dtype=dtype, local_files_only=True).eval()
    size = model.config.vision_config.image_size
    pixels = noise(1, (1, 3, size, size)).to(dtype)
    places = dict(image_token_len=256, im_start_token=151857, im_end_token=151858,
                  im_patch_token=model.config.image_token_index)
    ids = prompt(places, args.prompt_len).unsqueeze(0)

    def best(**inputs):
        logits = model(cache=cache, use_cache=True, logits_to_keep=1, **inputs).logits
        return logits[0, -1].argmax().view(1, 1)

    def prefill():
        embeds = model.get_input_embeddings()(ids)
        embeds[ids == places["im_patch_token"]] = features[0]
        return best(inputs_embeds=embeds)

    with torch.inference_mode():
        for _ in range(args.repeat):
            features = timed("encode_vocab_s", model.get_image_features, pixels).pooler_output
            cache = transformers.DynamicCache(config=model.config.text_config)
            tokens = [timed("prefill_s", prefill)]
            while len(tokens) < args.tokens:
                tokens.append(timed("decode_s_per_token", best, input_ids=tokens[-1]))
    report = {stage: round(statistics.median(t), 6) if t else None for stage, t in times.items()}
    print(json.dumps({**report, "peak_rss_mb": round(peak_rss_mb(), 1), "threads": args.threads,
                      "dtype": args.dtype, "torch": torch.__version__,
                      "transformers": transformers.__version__, "prompt_len": args.prompt_len,
                      "repeat": args.repeat, "ids": torch.cat(tokens).flatten().tolist()}))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ["bench", "alternate"]:
        sub = commands.add_parser(name)
        arguments(sub, 286)
        if name == "alternate":
            sub.add_argument("--rounds", type=int, default=3)
            sub.add_argument("--ours", required=True, metavar="COMMAND",
                             help="prints such a line of JSON")
    args = parser.parse_args()
    if args.command == "bench":
        bench(args)
    else:
        vary_toy.alternate(args, __file__, STAGES)


if __name__ == "__main__":
    main()
