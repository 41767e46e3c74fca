#!/usr/bin/env bash
# Collects real PDF documents, to train the line recogniser and to measure it.
#
# Usage: pdf.sh OUT [PHASE ...]
#
# Reads train-packages.txt and heldout-packages.txt beside this script and writes
#   OUT/train/KIND/NAME.pdf     documents to train on
#   OUT/heldout/KIND/NAME.pdf   documents that only measure
#   OUT/index.tsv               split, kind, name, package, pages, sha256, text hash, program
#   OUT/licences.tsv            package, and the licences that its copyright file names
# KIND is the program that made the document, as the PDF itself tells.
#
# The phases are pdf (shipped PDFs), office (office files, by LibreOffice), html (printed by
# Chromium) and writer (HTML laid out by LibreOffice Writer); all of them unless some are named.
# It needs Debian with a working apt-get, as root if something is missing, and about 6 GB.
# A package that is done is skipped, so an interrupted run just goes on.
set -euo pipefail
export LC_ALL=C.UTF-8

[ $# -ge 1 ] || { sed -n '2,17s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
phases=("$@")
[ $# -gt 0 ] || phases=(pdf office html writer)

work=$out/.work
index=$out/index.tsv
mkdir -p "$work/deb" "$work/done" "$work/copyright" "$work/tmp"
touch "$index"

# Documents of these packages judge the project from outside: neither they nor anything built
# from the same sources may be seen here.
reserved_packages='r-doc-pdf developers-reference asymptote-doc debian-policy gnuplot-doc'
reserved_packages+=' octave-doc'
reserved_sources='r-base developers-reference asymptote debian-policy gnuplot octave'

# Training and held-out documents made here differ in their fonts too. "own" keeps the page's.
train_fonts=('Carlito' 'Liberation Sans' 'Liberation Serif' own 'Caladea' 'DejaVu Sans'
  'Noto Sans' 'Open Sans' own 'Roboto' 'Lato' 'Vollkorn' 'Noto Serif' own
  'Linux Libertine O' 'Linux Biolinum O' 'Cantarell' 'DejaVu Serif' own 'TeX Gyre Pagella'
  'Gentium' 'TeX Gyre Heros' 'TeX Gyre Schola' own 'Roboto Slab' 'PT Serif' 'Cabin'
  'Karla' 'TeX Gyre Adventor' 'STIX' 'PT Sans' 'Courier Prime')
train_mono=('DejaVu Sans Mono' 'Liberation Mono' 'Fira Code' 'Inconsolata' 'TeX Gyre Cursor')
heldout_fonts=('EB Garamond' 'Gillius ADF' own 'Quattrocento' 'Junicode' 'Ikarius ADF No2 Std'
  own 'Old Standard' 'Tribun ADF Std' 'Accanthis ADF Std')
heldout_mono=('JetBrains Mono' 'Go Mono' 'B612 Mono')

say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*" >&2; }

need() {
  local missing=() p
  for p in "$@"; do
    dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
  done
  [ ${#missing[@]} -eq 0 ] && return
  say "installing ${missing[*]}"
  DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=900 \
    install --no-install-recommends "${missing[@]}" >"$work/apt.log" 2>&1
}

install_tools() {
  need poppler-utils file perl
  case " ${phases[*]} " in *' office '* | *' html '* | *' writer '*)
    need chromium libreoffice-writer libreoffice-calc libreoffice-impress \
      fonts-dejavu fonts-liberation fonts-liberation2 fonts-noto-core fonts-roboto-unhinted \
      fonts-roboto-slab fonts-open-sans fonts-lato fonts-crosextra-carlito \
      fonts-crosextra-caladea fonts-linuxlibertine fonts-inconsolata fonts-firacode \
      fonts-cantarell fonts-texgyre fonts-sil-gentium fonts-karla fonts-stix \
      fonts-courier-prime fonts-vollkorn fonts-cabin fonts-paratype \
      fonts-ebgaramond fonts-adf-gillius fonts-quattrocento fonts-junicode fonts-adf-ikarius \
      fonts-oldstandard fonts-adf-tribun fonts-adf-accanthis fonts-b612 fonts-go \
      fonts-jetbrains-mono ;;
  esac
}

names() { sed 's/#.*//' "$here/$1-packages.txt" | tr -d ' \t' | grep . ; }

# The comment's word and the number after it: "limit NAME SPLIT html" prints 12 for "html 12".
limit() {
  awk -v p="$1" -v k="$3" '$1 == p { for (i = 2; i <= NF; i++) if ($i == k) {
    print ($(i + 1) ~ /^[0-9]+$/) ? $(i + 1) : 9999; exit } }' "$here/$2-packages.txt"
}

# Stops when a list names a reserved document, or when both lists share a source package:
# two packages of one source often hold the same text.
check_lists() {
  local split
  for split in train heldout; do
    names $split | sort -u | xargs apt-cache show --no-all-versions 2>/dev/null |
      awk '/^Package:/ { p = $2; s = p } /^Source:/ { s = $2 } /^Filename:/ { print p, s }' |
      sort -u >"$work/$split.src"
    awk -v pk="$reserved_packages" -v sr="$reserved_sources" '
      BEGIN { n = split(pk, a); while (n) bad[a[n--]]; n = split(sr, b); while (n) src[b[n--]] }
      $1 in bad || $2 in src { print "reserved: " $1; e = 1 } END { exit e }' "$work/$split.src"
  done
  awk 'NR == FNR { h[$2]; next } $2 in h { print "in both lists: " $1; e = 1 }
    END { exit e }' "$work/heldout.src" "$work/train.src"
}

# Fetches one package's archive into the work folder, without installing it.
deb() {
  local f
  f=$(compgen -G "$work/deb/$1_*.deb" | head -1 || true)
  if [ -z "$f" ]; then
    (cd "$work/deb" && apt-get -q -o APT::Sandbox::User=root download "$1" >/dev/null 2>&1) ||
      return 1
    f=$(compgen -G "$work/deb/$1_*.deb" | head -1)
  fi
  printf '%s\n' "$f"
}

# Names the program that made a document, from its Creator and Producer.
kind() {
  local s=${1,,}
  case $s in
    *luatex* | *luahbtex* | *lualatex*) echo luatex ;;
    *xetex* | *xdvipdfm*) echo xetex ;;
    *dvips* | *dvipdfm*) echo dvips ;;
    *pdftex* | *pdfetex* | *miktex* | *vtex* | tex*) echo pdftex ;;
    *chrom* | *skia*) echo chromium ;;
    *wkhtml*) echo wkhtmltopdf ;;
    *prince*) echo prince ;;
    *framemaker*) echo framemaker ;;
    *fop*) echo fop ;;
    *'xep '* | *renderx*) echo xep ;;
    *reportlab*) echo reportlab ;;
    *indesign* | *illustrator* | *quark* | *pagemaker* | *'adobe pdf library'*) echo indesign ;;
    *word* | *excel* | *powerpoint* | *pdfmaker* | *microsoft*) echo word ;;
    *openoffice* | *libreoffice* | *staroffice*) echo libreoffice ;;
    *groff* | *troff*) echo groff ;;
    *distiller*) echo distiller ;;
    *quartz* | *pstopdf*) echo quartz ;;
    *sdop*) echo sdop ;;
    *ghostscript*) echo ghostscript ;;
    *cairo*) echo cairo ;;
    *prawn*) echo prawn ;;
    *htmldoc*) echo htmldoc ;;
    # Only once no better name was found: these say what ran TeX, not which TeX.
    *dblatex*) echo xetex ;;
    *latex*) echo pdftex ;;
    *fpdf*) echo fpdf ;;
    *pod2pdf*) echo pod2pdf ;;
    *scribus*) echo scribus ;;
    *) echo other ;;
  esac
}

# Accepts text that is Latin, is not garbled by fonts without a usable encoding, and is more
# than a label or two. Prints a hash of the letters, to find the same text in another file.
text_hash() {
  timeout 60 pdftotext -q -enc UTF-8 -l 10 "$1" - 2>/dev/null | perl -CS -MUnicode::Normalize \
    -MDigest::MD5=md5_hex -0777 -ne '
      $t = NFD($_);
      $all = () = $t =~ /[^\s.]/g; $let = () = $t =~ /\p{L}/g; $lat = () = $t =~ /\p{Latin}/g;
      $vow = () = $t =~ /[aeiouy]/gi; $bad = () = $t =~ /[\p{Co}\p{Cn}\x{FFFD}\x00-\x08]/g;
      exit 1 if $lat < 150 || $lat < 0.95 * $let || $let < 0.3 * $all || $bad > 0.01 * $all;
      $far = () = $t =~ /\p{Han}|\p{Kana}|\p{Hira}|\p{Hang}|\p{Cyrl}|\p{Arab}|\p{Hebr}|\p{Deva}/g;
      exit 1 if $far > 0.01 * $let;
      exit 1 if $vow < 0.28 * $lat || $vow > 0.6 * $lat;
      $t =~ s/[^\p{Latin}]//g; print md5_hex(substr(lc $t, 0, 4000) =~ s/[^a-z]//gr)'
}

# A page that is one big picture is a scan, whatever text lies under it.
scanned() {
  local n=$1
  [ "$n" -gt 3 ] && n=3
  timeout 60 pdfimages -list -l 3 "$2" 2>/dev/null |
    awk -v n="$n" '$3 == "image" && $4 * $5 > 1.2e6 { p[$1] } END { exit length(p) < n }'
}

# take SPLIT PACKAGE FILE NAME: files one document away, or drops it without a word.
take() {
  local split=$1 pkg=$2 f=$3 name=$4 info pages prog k sha text base n=1
  info=$(timeout 30 pdfinfo "$f" 2>/dev/null | tr -d '\000' | tr '\t' ' ') || return 0
  pages=$(sed -n 's/^Pages: *//p' <<<"$info" | head -1)
  [ "${pages:-0}" -ge 1 ] || return 0
  grep -q '^Encrypted: *yes' <<<"$info" && return 0
  prog=$(sed -n 's/^\(Creator\|Producer\): *//p' <<<"$info" | paste -sd'|')
  sha=$(sha256sum <"$f" | cut -d' ' -f1)
  grep -qF $'\t'"$sha"$'\t' "$index" && return 0
  text=$(text_hash "$f") || return 0
  grep -qF $'\t'"$text"$'\t' "$index" && return 0
  scanned "$pages" "$f" && return 0
  timeout 60 pdftoppm -q -r 30 -gray -f 1 -l 1 "$f" >/dev/null 2>&1 || return 0
  k=$(kind "$prog")
  base=$(sed 's/\.pdf$//I; s/[^A-Za-z0-9.+-]/_/g' <<<"$name" | cut -c1-80)
  base=${pkg}__$base
  while [ -e "$out/$split/$k/$base.pdf" ]; do
    n=$((n + 1))
    base=${base%~*}~$n
  done
  mkdir -p "$out/$split/$k"
  cp "$f" "$out/$split/$k/$base.pdf"
  printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$split" "$k" "$base" "$pkg" "$pages" "$sha" \
    "$text" "${prog:0:150}" >>"$index"
}

copyright() {
  [ -e "$work/copyright/$1" ] || dpkg-deb --fsys-tarfile "$2" |
    tar -x -O --wildcards './usr/share/doc/*/copyright' >"$work/copyright/$1" 2>/dev/null || true
}

# unpack DEB DIR PATTERN ...: only the files wanted, unzipped.
unpack() {
  local deb=$1 dir=$2
  shift 2
  mkdir -p "$dir"
  dpkg-deb --fsys-tarfile "$deb" |
    tar -x -C "$dir" --no-same-owner --wildcards --no-anchored --ignore-case "$@" 2>/dev/null ||
    true
}

phase_pdf() {
  local f
  unpack "$3" "$work/tmp/x" '*.pdf' '*.pdf.gz'
  find "$work/tmp/x" -type f -iname '*.pdf.gz' -exec gunzip -f {} +
  find "$work/tmp/x" -type f -iname '*.pdf' -size -60M | sort >"$work/tmp/list"
  while read -r f; do
    take "$1" "$2" "$f" "$(basename "$f")"
  done <"$work/tmp/list"
}

soffice_pdf() {
  # Its own profile, so that it neither meets nor disturbs a running LibreOffice.
  # Some files make it hang, so that even a plain "terminate" goes unheard.
  timeout -k 5 "$1" soffice -env:UserInstallation="file://$work/lo" --headless --norestore \
    "${@:3}" --outdir "$2" >/dev/null 2>&1 || true
}

phase_office() {
  local f i=0 files=() t=$work/tmp
  unpack "$3" "$t/x" '*.odt' '*.ott' '*.fodt' '*.ods' '*.ots' '*.odp' '*.otp' '*.doc' '*.docx' \
    '*.xls' '*.xlsx' '*.ppt' '*.pptx' '*.rtf' '*.sx[wci]' '*.odt.gz' '*.doc.gz' '*.rtf.gz' \
    '*.xls.gz' '*.ppt.gz' '*.ods.gz' '*.docx.gz' '*.xlsx.gz' '*.sx[wci].gz'
  find "$t/x" -type f -name '*.gz' -exec gunzip -f {} +
  mkdir -p "$t/in" "$t/pdf"
  find "$t/x" -type f -size -4000k | sort >"$t/list"
  while read -r f; do
    # Many a .doc is plain text: its looks would all be the same.
    file -b "$f" | grep -qE 'OpenDoc|OpenOffice|Composite|Microsoft|Zip|Rich Text|XML' || continue
    case $f in *internal/* | */test-data/corrupt*) continue ;; esac
    i=$((i + 1))
    [ $i -gt "$4" ] && break
    cp "$f" "$t/in/$i-$(basename "$f")"
    files+=("$t/in/$i-$(basename "$f")")
  done <"$t/list"
  [ $i -eq 0 ] && return 0
  for ((i = 0; i < ${#files[@]}; i += 12)); do
    soffice_pdf 120 "$t/pdf" --convert-to pdf "${files[@]:i:12}"
  done
  # One bad file ends the whole call, so those left over are tried one by one.
  for f in "${files[@]}"; do
    f=$(basename "$f")
    [ -s "$t/pdf/${f%.*}.pdf" ] || soffice_pdf 25 "$t/pdf" --convert-to pdf "$t/in/$f"
    [ -s "$t/pdf/${f%.*}.pdf" ] && take "$1" "$2" "$t/pdf/${f%.*}.pdf" "made-$f"
  done
  return 0
}

# The package's HTML pages in an order that depends on their paths alone: a spread sample.
html_list() {
  find "$work/tmp/x" -type f \( -name '*.html' -o -name '*.htm' -o -name '*.html.??' \
    -o -name '*.html.pt-br' \) -size +6k -size -220k |
    grep -viE 'genindex|search|/index-|modindex|changes|news|toc\.|navbar|\.(ja|ko|ru|zh|uk|el)' |
    grep -vE '/(ja|ko|ru|zh[_-]?[A-Za-z]*|uk|el|vi|ar|fa|he|bg|hi|th|ka|km)(/|\.html)' |
    perl -MDigest::MD5=md5_hex -pe 'm{/tmp/x/(.*)}; $_ = md5_hex($1) . " $_"' |
    sort | cut -d' ' -f2-
}

# Like head, but reads on to the end: with pipefail a writer must not find its reader gone.
first() { awk -v n="$1" 'NR <= n'; }

# styled FILE COPY NUMBER SPLIT: a copy of the page with another font, size and paper.
styled() {
  local i=$3 fonts mono paper size css font
  if [ "$4" = train ]; then
    fonts=("${train_fonts[@]}") mono=("${train_mono[@]}")
  else
    fonts=("${heldout_fonts[@]}") mono=("${heldout_mono[@]}")
  fi
  font=${fonts[i % ${#fonts[@]}]}
  paper=(A4 Letter A4 A5 A4 Legal A4 B5)
  size=(11 10 12 9.5 10.5 13)
  css="@page{size:${paper[i % 8]};margin:$((12 + i % 3 * 5))mm}"
  if [ "$font" != own ]; then
    css+="body,p,li,dt,dd,td,th,div,span,a,em,strong,b,i,h1,h2,h3,h4,h5"
    css+="{font-family:'$font'!important}"
    css+="body,p,li,dt,dd,td{font-size:${size[i % 6]}pt!important}"
    css+="pre,code,tt,kbd,samp,pre *,code *,tt *"
    css+="{font-family:'${mono[i % ${#mono[@]}]}'!important;font-size:95%!important}"
    css+="pre{white-space:pre-wrap}"
  fi
  css+="nav,.sidebar,.related,.navheader,.navfooter{display:none}"
  css="$css" perl -0777 -pe 's/<script\b.*?<\/script>//gis;
    my $s = "<style>$ENV{css}</style>";
    s/<\/head>/$s<\/head>/i or s/(<body[^>]*>)/$1$s/i or $_ = $s . $_' "$1" >"$2"
}

# The place of a package in its list, so that packages start with different fonts.
offset() { names "$1" | grep -nx "$2" | cut -d: -f1; }

phase_html() {
  local f i t=$work/tmp n=0
  unpack "$3" "$t/x" '*.html' '*.htm' '*.html.*' '*.css' '*.woff*' '*.ttf' '*.otf' '*.png' '*.svg' \
    '*.jpg' '*.gif'
  mkdir -p "$t/pdf"
  html_list | first "$4" >"$t/list"
  i=$(($(offset "$1" "$2") * 3))
  while read -r f; do
    i=$((i + 1)) n=$((n + 1))
    # Beside the original, so that its own styles, fonts and pictures are found.
    styled "$f" "$(dirname "$f")/.print-$n.html" "$i" "$1"
    # No network, and styled() took the scripts out: what is printed must not depend on the day.
    timeout 60 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
      --disable-background-networking --disable-component-update --disable-sync \
      --host-resolver-rules='MAP * ~NOTFOUND' \
      --allow-file-access-from-files --user-data-dir="$work/chromium" --no-pdf-header-footer \
      --print-to-pdf="$t/pdf/$n.pdf" "file://$(dirname "$f")/.print-$n.html" \
      >/dev/null 2>&1 </dev/null || true
    [ -s "$t/pdf/$n.pdf" ] && take "$1" "$2" "$t/pdf/$n.pdf" "made-$(basename "$f")"
  done <"$t/list"
  return 0
}

phase_writer() {
  local f i t=$work/tmp n=0 skip
  unpack "$3" "$t/x" '*.html' '*.htm' '*.html.*' '*.css'
  mkdir -p "$t/in" "$t/pdf"
  # Other pages than those that Chromium prints.
  skip=$(limit "$2" "$1" html)
  html_list | tail -n +$((${skip:-0} + 1)) | first "$4" >"$t/list"
  i=$(($(offset "$1" "$2") * 5))
  while read -r f; do
    i=$((i + 1)) n=$((n + 1))
    styled "$f" "$t/in/$n-$(basename "$f" | sed 's/\.html.*//').html" "$i" "$1"
  done <"$t/list"
  [ $n -eq 0 ] && return 0
  soffice_pdf 240 "$t/pdf" --infilter='HTML (StarWriter)' --convert-to pdf:writer_pdf_Export \
    "$t"/in/*.html
  for f in "$t"/pdf/*.pdf; do
    [ -s "$f" ] && take "$1" "$2" "$f" "made-writer-$(basename "$f")"
  done
  return 0
}

forget() {
  # Drops what an interrupted run left of this package and phase.
  local k n
  while IFS=$'\t' read -r _ k n _; do rm -f "$out/$1/$k/$n.pdf"; done < <(
    awk -F'\t' -v s="$1" -v p="$2" '$1 == s && $4 == p' "$index" | by_phase "$3" keep)
  awk -F'\t' -v s="$1" -v p="$2" '!($1 == s && $4 == p)' "$index" >"$index.new"
  awk -F'\t' -v s="$1" -v p="$2" '$1 == s && $4 == p' "$index" | by_phase "$3" drop >>"$index.new"
  mv "$index.new" "$index"
}

# The rows of one phase, or the others: the names tell.
by_phase() {
  awk -F'\t' -v ph="$1" -v want="$2" '{
    p = "pdf"
    if ($3 ~ /__made-writer-/) p = "writer"
    else if ($3 ~ /__made-/) p = ($2 == "chromium") ? "html" : "office"
    if ((p == ph) == (want == "keep")) print }'
}

# Drops the documents of packages that have left the lists.
prune() {
  local s k n p
  while IFS=$'\t' read -r s p; do
    [ -n "$(awk -v p="$p" '$1 == p' "$here/$s-packages.txt")" ] && continue
    while IFS=$'\t' read -r k n; do rm -f "$out/$s/$k/$n.pdf"; done < <(
      awk -F'\t' -v OFS='\t' -v s="$s" -v p="$p" '$1 == s && $4 == p { print $2, $3 }' "$index")
    rm -f "$work/done/$s-$p"-*
    awk -F'\t' -v s="$s" -v p="$p" '!($1 == s && $4 == p)' "$index" >"$index.new"
    mv "$index.new" "$index"
  done < <(cut -f1,4 "$index" | sort -u)
}

licences() {
  local p l
  for p in $(cut -f4 "$index" | sort -u); do
    p=$work/copyright/$p
    [ -e "$p" ] || continue
    l=$(sed -n 's/^License: *//p' "$p" | sort -u | paste -sd, | sed 's/,/, /g' | cut -c1-120)
    [ -n "$l" ] || l=$(grep -ohE 'common-licenses/[A-Za-z0-9.-]*[A-Za-z0-9]' "$p" |
      sed 's/.*\///' | sort -u | paste -sd, | sed 's/,/, /g') || true
    [ -n "$l" ] || l='see its copyright file'
    printf '%s\t%s\n' "$(basename "$p")" "$l"
  done >"$out/licences.tsv"
}

main() {
  local phase split p n f
  install_tools
  check_lists
  prune
  for phase in "${phases[@]}"; do
    # Held-out documents first: a document of both is then dropped from training.
    for split in heldout train; do
      for p in $(names $split); do
        [ -e "$work/done/$split-$p-$phase" ] && continue
        n=$(limit "$p" $split "$phase")
        [ -n "$n" ] || continue
        f=$(deb "$p") || { say "cannot fetch $p"; continue; }
        copyright "$p" "$f"
        forget $split "$p" "$phase"
        rm -rf "$work/tmp"
        mkdir -p "$work/tmp"
        "phase_$phase" $split "$p" "$f" "$n"
        touch "$work/done/$split-$p-$phase"
        say "$phase $split $p: $(awk -F'\t' -v s=$split -v p="$p" '$1 == s && $4 == p' "$index" |
          wc -l)"
      done
    done
  done
  rm -rf "$work/tmp"
  licences
}
main
