"""Compares the boxes that Vary reads with those of PDF files: `boxes.py SET VARY_READ [--recognizer
DIR]`, where SET is a folder of `heldout.py`.

Lines: a found line and a line of the PDF match if they share more than half of the smaller one, and
half of their height. Recall is the share of the PDF's letters in matched lines, precision the share
of found lines that match one, order the share of neighbours in the PDF that are found in the same
order. Words: mean IoU of words with the same text that overlap. Calibration: the expected
difference of a line's score and the share of its characters that are right, in ten bins.
"""

import argparse
import json
from pathlib import Path

from compare import Vary, distance, plain


def area(box):
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def shared(a, b):
    return [max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])]


def iou(a, b):
    common = area(shared(a, b))
    return common / max(1e-9, area(a) + area(b) - common)


def matches(a, b):
    common = shared(a, b)
    height = min(a[3] - a[1], b[3] - b[1])
    return (area(common) > 0.5 * min(area(a), area(b))
            and common[3] - common[1] > 0.5 * height)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("program")
    parser.add_argument("--recognizer")
    args = parser.parse_args()
    folder = Path(args.folder) / "pages"
    truth = json.loads((folder / "truth.json").read_text())
    vary = Vary(args.program, args.recognizer)
    list(vary([folder / name for name in truth], False))
    letters = matched_letters = found = matched_found = pairs = ordered = 0
    ious, scored, pages = [], [], []
    for answer in vary.answers:
        page = truth[Path(answer["path"]).name]
        lines = [line for block in page["blocks"] for line in block]
        first = []
        hits = set()
        here = [0, 0]
        for line in lines:
            own = [i for i, f in enumerate(answer["lines"]) if matches(f["bbox"], line["box"])]
            hits.update(own)
            here[0] += len(line["text"])
            here[1] += len(line["text"]) if own else 0
            first.append(min(own) if own else None)
            for text, box in line["words"]:
                same = [iou(w["bbox"], box) for w in answer["words"]
                        if plain(w["text"]) == plain(text)]
                if same and max(same) > 0.1:
                    ious.append(max(same))
        for i in range(len(answer["lines"])):
            inside = [line for line in lines if matches(line["box"], answer["lines"][i]["bbox"])]
            text = " ".join(line["text"] for line in inside)
            if inside:
                read, text = plain(answer["lines"][i]["text"]), plain(text)
                right = 1 - min(1.0, distance(read, text) / max(1, len(text)))
                scored.append((answer["lines"][i]["score"], right))
        for a, b in zip(first, first[1:]):
            if a is not None and b is not None:
                pairs += 1
                ordered += a <= b
        letters += here[0]
        matched_letters += here[1]
        found += len(answer["lines"])
        matched_found += len(hits)
        pages.append((here[1] / max(1, here[0]), answer["path"], page["pdf"], page["page"]))
    ece = 0.0
    for low in range(10):
        bin_ = [s for s in scored if low / 10 <= s[0] < (low + 1) / 10 or low == 9 and s[0] == 1]
        if bin_:
            mean = [sum(values) / len(bin_) for values in zip(*bin_)]
            ece += len(bin_) / len(scored) * abs(mean[0] - mean[1])
    print(f"{len(truth)} pages: recall {matched_letters / letters:.4f}, precision "
          f"{matched_found / max(1, found):.4f}, order {ordered / max(1, pairs):.4f}")
    print(f"{len(ious)} words: mean IoU {sum(ious) / max(1, len(ious)):.3f}")
    print(f"{len(scored)} lines: calibration error {ece:.4f}")
    for share, path, pdf, page in sorted(pages)[:10]:
        print(f"{share:.3f} {path} {pdf} page {page}")


if __name__ == "__main__":
    main()
