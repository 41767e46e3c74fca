#!/usr/bin/env bash
# Runs the commands of the guides as they are printed, on small files.
# Usage: docs/commands.sh DIRECTORY, of the programs: `vary` with the feature `train`, and examples.
set -euo pipefail
bin=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export PATH="$bin:$PATH" HOME="$scratch/home" VARY_CONFIG=/dev/null
mkdir -p "$HOME/.local/share/bash-completion/completions" "$HOME/.local/share/man/man1"
cd "$scratch"

# What the commands name: images, PDF files of seven pages, models with random parameters, data.
assets=$root/examples/assets
cp "$assets/page.png" "$assets/scene.png" .
cp -r "$assets/finetune/images" images
cp "$assets/finetune/train.json" train.json
cp "$assets/finetune/held_out.json" validation.json
cp "$assets/finetune/held_out.json" test.json
mkdir -p scans/more papers
cp page.png scans/more/
page='/Type /Page /Parent 2 0 R /MediaBox [0 0 300 100] /Contents 4 0 R /Resources << /Font <<'
page+=' /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>'
{
    printf '%%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n'
    printf '2 0 obj\n<< /Type /Pages /Count 7 /Kids [%s] >>\nendobj\n' \
        '5 0 R 6 0 R 7 0 R 8 0 R 9 0 R 10 0 R 11 0 R'
    printf '4 0 obj\n<< /Length 44 >>\nstream\n%s\nendstream\nendobj\n' \
        'BT /F 14 Tf 20 50 Td (Annual report) Tj ET  '
    for number in 5 6 7 8 9 10 11; do printf '%s 0 obj\n<< %s >>\nendobj\n' "$number" "$page"; done
    printf 'trailer\n<< /Root 1 0 R >>\n%%%%EOF\n'
} > report.pdf
for copy in a.pdf b.pdf papers/a.pdf; do cp report.pdf "$copy"; done
for name in Vary-toy GOT-OCR2_0; do "$bin/examples/make_checkpoint" --preset mini "$name"; done

# The `sh` blocks of a page, with examples as `.ci/run` has built them. Left out is what installs,
# downloads, writes gigabytes, or needs a model that finds objects (`vary-vocab-train/tests`).
blocks() {
    awk '/^```sh$/ { inside = 1; next } /^```/ { inside = 0 } inside' "$1" |
        sed -E "s|^cargo run .*--example ([a-z_]+)( --)?|'$bin/examples/\1'|" |
        grep -vE '^cargo |stepfun-ai|--preset vary-toy|train calibrate'
}
for page in guides/{reading,detecting,many-pages,checkpoints,fine-tuning} command; do
    printf '\n== %s\n' "$page"
    blocks "$root/docs/$page.md" > commands
    bash -euxo pipefail commands < /dev/null > output || { tail -20 output && exit 1; }
done
