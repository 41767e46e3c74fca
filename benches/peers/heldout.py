"""Cuts held-out lines and pages out of PDF files: `heldout.py PDF_FOLDER OUT [SEED]`.

Needs poppler (`pdftoppm`, `pdftotext`, `pdfinfo`) and Pillow. OUT/lines/DPI/NUMBER.png are lines,
OUT/pages/NUMBER.png pages at 150 dpi; `truth.json` in each folder names their text, pages also with
the boxes of lines and words. The same seed makes the same set.
"""

import json
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image

DPI = [75, 100, 150, 300]
LINES_OF_A_DOCUMENT = 3
PAGES = 100
# A page of a table of contents, or of code alone, is no typical page.
LEAST_CHARACTERS = 600


def layout(pdf, page):
    """Lines of a page: text, box and words, in points, in the order of the file."""
    args = ["pdftotext", "-bbox-layout", "-f", str(page), "-l", str(page), str(pdf), "-"]
    text = subprocess.run(args, capture_output=True, text=True, errors="replace", timeout=60).stdout
    text = re.sub(r'xmlns="[^"]*"|<!DOCTYPE[^>]*>|[\x00-\x08\x0b\x0c\x0e-\x1f]', "", text)
    box = lambda node: [float(node.get(edge)) for edge in ("xMin", "yMin", "xMax", "yMax")]
    blocks = []
    for block in ElementTree.fromstring(text).iter("block"):
        lines = []
        for line in block.iter("line"):
            words = [(word.text, box(word)) for word in line.iter("word") if word.text]
            if words:
                lines.append({"text": " ".join(w[0] for w in words), "box": box(line),
                              "words": words})
        blocks.append(lines)
    return blocks


def render(pdf, page, dpi, folder):
    name = Path(folder) / "page"
    args = ["pdftoppm", "-r", str(dpi), "-f", str(page), "-l", str(page), "-png", "-singlefile"]
    subprocess.run([*args, str(pdf), str(name)], check=True, capture_output=True, timeout=120)
    return Image.open(f"{name}.png").convert("RGB")


def usable(line):
    """Whether a line is upright, of a usual length, and written in Latin letters."""
    (left, top, right, bottom), text = line["box"], line["text"]
    height, length = bottom - top, len(text)
    latin = all(c.isprintable() and ord(c) < 0x2200 and not 0x370 <= ord(c) < 0x1E00 for c in text)
    upright = 5 <= height <= 40 and 0.2 * height * length < right - left < 1.2 * height * length
    return latin and upright and 8 <= length <= 110


def pixels(box, dpi):
    return [edge * dpi / 72 for edge in box]


def main(folder, out, seed=1):
    rng = random.Random(int(seed))
    out = Path(out)
    lines, pages = [], []
    pdfs = sorted(Path(folder).rglob("*.pdf"))
    for pdf in pdfs:
        info = subprocess.run(["pdfinfo", str(pdf)], capture_output=True, text=True,
                              errors="replace").stdout
        count = int(re.search(r"Pages:\s+(\d+)", info).group(1))
        numbers = rng.sample(range(1, count + 1), min(count, 6))
        found = []
        for page in numbers:
            try:
                blocks = layout(pdf, page)
            except (ElementTree.ParseError, subprocess.TimeoutExpired):
                continue
            candidates = [line for block in blocks for line in block if usable(line)]
            if not found:
                chosen = rng.sample(candidates, min(LINES_OF_A_DOCUMENT, len(candidates)))
                found = [(page, line) for line in chosen]
            if sum(len(line["text"]) for block in blocks for line in block) >= LEAST_CHARACTERS:
                pages.append((pdf, page, blocks))
        lines += [(pdf, page, line) for page, line in found]
    rng.shuffle(pages)
    # At most two pages of a document.
    seen, chosen = {}, []
    for pdf, page, blocks in pages:
        seen[pdf] = seen.get(pdf, 0) + 1
        if seen[pdf] <= 2 and len(chosen) < PAGES:
            chosen.append((pdf, page, blocks))
    with tempfile.TemporaryDirectory() as folder:
        for dpi in DPI:
            target = out / "lines" / str(dpi)
            target.mkdir(parents=True, exist_ok=True)
            truth = {}
            rendered = None
            for number, (pdf, page, line) in enumerate(lines):
                if rendered != (pdf, page):
                    image, rendered = render(pdf, page, dpi, folder), (pdf, page)
                left, top, right, bottom = pixels(line["box"], dpi)
                pad = 0.15 * (bottom - top)
                crop = image.crop((int(left - pad), int(top - pad), int(right + pad) + 1,
                                   int(bottom + pad) + 1))
                name = f"{number:04}.png"
                crop.save(target / name)
                truth[name] = {"text": line["text"], "kind": pdf.parent.name, "pdf": pdf.name,
                               "page": page}
            (target / "truth.json").write_text(json.dumps(truth, indent=1, ensure_ascii=False))
        target = out / "pages"
        target.mkdir(parents=True, exist_ok=True)
        truth = {}
        for number, (pdf, page, blocks) in enumerate(chosen):
            name = f"{number:04}.png"
            render(pdf, page, 150, folder).save(target / name)
            scaled = [[{"text": line["text"], "box": pixels(line["box"], 150),
                        "words": [(w, pixels(b, 150)) for w, b in line["words"]]}
                       for line in block] for block in blocks]
            text = "\n".join(line["text"] for block in blocks for line in block)
            truth[name] = {"text": text, "kind": pdf.parent.name, "pdf": pdf.name, "page": page,
                           "blocks": scaled}
        (target / "truth.json").write_text(json.dumps(truth, indent=1, ensure_ascii=False))
    print(f"{len(lines)} lines of {len(pdfs)} documents, {len(chosen)} pages")


if __name__ == "__main__":
    main(*sys.argv[1:])
