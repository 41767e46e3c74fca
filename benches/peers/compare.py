"""Reads a held-out set with Tesseract, RapidOCR and Vary, and prints their error rates.

`compare.py SET VARY_READ [--engines vary,vary-page,tesseract,rapidocr] [--degrade]
[--recognizer DIR]`, where SET is a folder of `heldout.py` (with `lines/DPI` and `pages`) or of
screenshots (NAME.png beside NAME.json with `text`), and VARY_READ the program `read` of `benches`.
`vary-page` searches an image of a line for lines, as the example `ocr` does. Needs the program
`tesseract` and the Python package `rapidocr`; it installs nothing. Results go to SET/results.json.

Texts are compared as people type them: typographic quotes and dashes count as plain ones, white
space as one blank, and accents are part of their letters (NFC). The rate of an image is its edits
divided by its characters, at most 1; a table has the mean over images, and all edits divided by all
characters.
"""

import argparse
import json
import os
import random
import re
import subprocess
import tempfile
import time
import unicodedata
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

PLAIN = str.maketrans({"‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "–": "-",
                       "—": "-", "−": "-", "‐": "-", "‑": "-", "\u00ad": "-", "ﬁ": "fi",
                       "ﬂ": "fl", "ﬀ": "ff", "ﬃ": "ffi", "ﬄ": "ffl", "′": "'", "`": "'"})


def plain(text):
    text = unicodedata.normalize("NFC", text).translate(PLAIN)
    return re.sub(r"\s+", " ", text).strip()


def distance(a, b):
    """Levenshtein, a row at a time."""
    if not a or not b:
        return len(a) + len(b)
    codes = np.frombuffer(b.encode("utf-32-le"), dtype=np.uint32)
    steps = np.arange(len(b) + 1)
    row = steps.copy()
    for i, c in enumerate(a, 1):
        best = np.minimum(row[1:] + 1, row[:-1] + (codes != ord(c)))
        best = np.concatenate(([i], best))
        row = np.minimum.accumulate(best - steps) + steps
    return int(row[-1])


def tesseract(paths, lines):
    env = {"OMP_THREAD_LIMIT": str(os.cpu_count()), **os.environ}
    for path in paths:
        start = time.time()
        args = ["tesseract", str(path), "-", "--psm", "7" if lines else "3"]
        run = subprocess.run(args, capture_output=True, text=True, env=env)
        yield run.stdout, time.time() - start


class Rapid:
    engine = None

    def __call__(self, paths, lines):
        from rapidocr import RapidOCR

        if Rapid.engine is None:
            Rapid.engine = RapidOCR()
        for path in paths:
            start = time.time()
            if lines:
                out = Rapid.engine(str(path), use_det=False, use_cls=False, use_rec=True)
                text = " ".join(out.txts or [])
            else:
                # It keeps what it was called with before.
                out = Rapid.engine(str(path), use_det=True, use_cls=True, use_rec=True)
                text = "\n".join(out.txts or []) if out is not None else ""
            yield text, time.time() - start


class Vary:
    """`as_pages`: a line is searched for lines too, as a user's image is."""

    def __init__(self, program, recognizer, as_pages=False):
        self.args = [program] + (["--recognizer", recognizer] if recognizer else [])
        self.as_pages = as_pages

    def __call__(self, paths, lines):
        args = self.args + (["--lines"] if lines and not self.as_pages else [])
        names = "\n".join(str(path) for path in paths)
        run = subprocess.run(args, input=names, capture_output=True, text=True, check=True)
        self.answers = [json.loads(line) for line in run.stdout.splitlines()]
        for answer in self.answers:
            yield answer["text"], answer["seconds"]


def degraded(image, how, rng):
    if how == "noise":
        noise = rng.normal(0, 25, (image.height, image.width, 1))
        return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))
    if how == "blur":
        return image.filter(ImageFilter.GaussianBlur(1.2))
    if how == "skew":
        return image.rotate(2, Image.BICUBIC, expand=True, fillcolor=(255, 255, 255))
    if how == "dark":
        return Image.fromarray(255 - np.asarray(image))
    return image


def sets(folder, degrade):
    """Name, paths, texts and whether the images are lines."""
    folder = Path(folder)
    found = []
    for truth in sorted(folder.glob("lines/*/truth.json")) + sorted(folder.glob("pages/truth.json")):
        texts = json.loads(truth.read_text())
        paths = [truth.parent / name for name in texts]
        is_lines = truth.parent.parent.name == "lines"
        name = f"lines {truth.parent.name} dpi" if is_lines else truth.parent.name
        found.append((name, paths, [texts[path.name]["text"] for path in paths], is_lines))
    if not found:
        records = sorted(path for path in folder.glob("*.json") if path.with_suffix(".png").exists())
        texts = [json.loads(path.read_text())["text"] for path in records]
        found.append(("screenshots", [p.with_suffix(".png") for p in records], texts, False))
    if not degrade:
        return found
    worse = []
    for name, paths, texts, is_lines in found:
        if name not in ("lines 150 dpi", "pages"):
            continue
        for how in ("noise", "blur", "jpeg", "skew", "dark"):
            target = Path(tempfile.mkdtemp())
            rng = np.random.default_rng(1)
            copies = []
            for path in paths:
                image = degraded(Image.open(path).convert("RGB"), how, rng)
                copy = target / (path.stem + (".jpg" if how == "jpeg" else ".png"))
                image.save(copy, **({"quality": 30} if how == "jpeg" else {}))
                copies.append(copy)
            worse.append((f"{name}, {how}", copies, texts, is_lines))
    return worse


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("program")
    parser.add_argument("--engines", default="vary,tesseract,rapidocr")
    parser.add_argument("--degrade", action="store_true")
    parser.add_argument("--recognizer")
    parser.add_argument("--limit", type=int)
    args = parser.parse_args()
    engines = {"vary": Vary(args.program, args.recognizer),
               "vary-page": Vary(args.program, args.recognizer, as_pages=True),
               "tesseract": tesseract, "rapidocr": Rapid()}
    results = {}
    for name, paths, texts, is_lines in sets(args.folder, args.degrade):
        chosen = list(zip(paths, texts))
        if args.limit and len(chosen) > args.limit:
            chosen = random.Random(1).sample(chosen, args.limit)
        paths, texts = zip(*chosen)
        for engine in args.engines.split(","):
            rows = []
            for path, truth, (read, seconds) in zip(paths, texts, engines[engine](paths, is_lines)):
                read, truth = plain(read), plain(truth)
                edits = distance(read, truth)
                rows.append({"path": str(path), "read": read, "truth": truth, "edits": edits,
                             "rate": min(1.0, edits / max(1, len(truth))), "seconds": seconds})
            mean = sum(row["rate"] for row in rows) / len(rows)
            share = sum(row["edits"] for row in rows) / sum(len(row["truth"]) for row in rows)
            seconds = sum(row["seconds"] for row in rows) / len(rows)
            print(f"{name:24} {engine:10} {len(rows):4} images  mean CER {mean:.4f}  "
                  f"edits/characters {share:.4f}  {seconds:.3f} s", flush=True)
            results[f"{name}, {engine}"] = rows
    suffix = "-degraded" if args.degrade else ""
    Path(args.folder, f"results{suffix}.json").write_text(json.dumps(results, ensure_ascii=False))


if __name__ == "__main__":
    main()
