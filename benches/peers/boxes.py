"""Compares the boxes that Vary reads with those of PDF files: `boxes.py SET VARY_READ [--recognizer
DIR]`, where SET is a folder of `heldout.py`.

Lines: a found line and a line of the PDF match if they share more than half of the smaller one, and
half of their height. Recall is the share of the PDF's letters in matched lines, precision the share
of found lines that match one, order the share of neighbours in the PDF that are found in the same
order; pages of columns and of tables apart. Words: mean IoU of words with the same text that
overlap. Calibration: the expected difference of a line's score and the share of its characters that
are right, in ten bins.
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


def kind(lines):
    """What a page mostly is, by the boxes of its lines: text of columns has long lines beside each
    other, a table short ones."""
    def beside(a, b):
        common = min(a[3], b[3]) - max(a[1], b[1])
        apart = a[2] <= b[0] or b[2] <= a[0]
        return apart and common > 0.5 * min(a[3] - a[1], b[3] - b[1])

    letters = sum(len(line["text"]) for line in lines)
    found = [line for line in lines
             if any(beside(line["box"], other["box"]) for other in lines if other is not line)]
    long = sum(len(line["text"]) for line in found if len(line["text"]) >= 25)
    if long > 0.4 * letters:
        return "columns"
    return "tables" if sum(len(line["text"]) for line in found) > 0.3 * letters else "plain"


class Tally:
    """What is counted over pages."""

    def __init__(self):
        self.pages = self.letters = self.matched = self.found = self.hits = 0
        self.pairs = self.ordered = 0

    def add(self, answer, lines):
        """Returns the share of the page's letters in lines that were found."""
        first, hits, letters, matched = [], set(), 0, 0
        for line in lines:
            own = [i for i, f in enumerate(answer["lines"]) if matches(f["bbox"], line["box"])]
            hits.update(own)
            letters += len(line["text"])
            matched += len(line["text"]) if own else 0
            first.append(min(own) if own else None)
        for a, b in zip(first, first[1:]):
            if a is not None and b is not None:
                self.pairs += 1
                self.ordered += a <= b
        self.pages += 1
        self.letters += letters
        self.matched += matched
        self.found += len(answer["lines"])
        self.hits += len(hits)
        return matched / max(1, letters)

    def print(self, name):
        print(f"{name:8} {self.pages:4} pages: recall {self.matched / max(1, self.letters):.4f}, "
              f"precision {self.hits / max(1, self.found):.4f}, "
              f"order {self.ordered / max(1, self.pairs):.4f}")


def word_ious(answer, lines):
    for line in lines:
        for text, box in line["words"]:
            same = [iou(w["bbox"], box) for w in answer["words"] if plain(w["text"]) == plain(text)]
            if same and max(same) > 0.1:
                yield max(same)


def scores(answer, lines):
    """Score of each found line, and the share of its characters that are right."""
    for found in answer["lines"]:
        inside = [line for line in lines if matches(line["box"], found["bbox"])]
        if inside:
            read = plain(found["text"])
            text = plain(" ".join(line["text"] for line in inside))
            yield found["score"], 1 - min(1.0, distance(read, text) / max(1, len(text)))


def calibration_error(scored):
    error = 0.0
    for low in range(10):
        part = [s for s in scored if low / 10 <= s[0] < (low + 1) / 10 or low == 9 and s[0] == 1]
        if part:
            mean = [sum(values) / len(part) for values in zip(*part)]
            error += len(part) / len(scored) * abs(mean[0] - mean[1])
    return error


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
    tallies = {name: Tally() for name in ("plain", "columns", "tables", "all")}
    ious, scored, pages = [], [], []
    for answer in vary.answers:
        page = truth[Path(answer["path"]).name]
        lines = [line for block in page["blocks"] for line in block]
        tallies[kind(lines)].add(answer, lines)
        share = tallies["all"].add(answer, lines)
        ious += word_ious(answer, lines)
        scored += scores(answer, lines)
        pages.append((share, answer["path"], page["pdf"], page["page"]))
    for name, tally in tallies.items():
        tally.print(name)
    print(f"{len(ious)} words: mean IoU {sum(ious) / max(1, len(ious)):.3f}")
    print(f"{len(scored)} lines: calibration error {calibration_error(scored):.4f}")
    for share, path, pdf, page in sorted(pages)[:10]:
        print(f"{share:.3f} {path} {pdf} page {page}")


if __name__ == "__main__":
    main()
