// The fonts of the screenshots: reads the font files of the machine, keeps those that draw Latin
// text as it is written, groups them to families and splits the families into train and held-out.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync,
  writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fontkit from 'fontkit';

const DIRS = (process.env.SCREENS_FONTS
  ?? '/usr/share/fonts:/usr/share/texmf:/usr/share/texlive/texmf-dist/fonts').split(':');

const range = (from, to) => Array.from({ length: to - from + 1 },
  (_, i) => String.fromCodePoint(from + i));

// The characters of the truth. Words with others are hidden.
export const ALPHABET = [...range(0x21, 0x7e), ...range(0xa1, 0x17f).filter((c) => c !== '\u00ad'),
  ...'ƒȘșȚțẞ–—―‘’‚“”„†‡•…‰′″‹›€₩₫₱₴₹₺₽₿№™−≈≠≤≥∞√←↑→↓↔⇒■□▪▲►▼◄●◦★☆✓✗'];

// Fonts whose glyphs are not what the text says, or that nobody can read: symbols, small capitals,
// swashes, blackletter, other scripts, handwriting. Matched against family, full and file name.
const BAD = new RegExp(['symbol', 'emoji', 'icon', 'math', 'music', 'barcode', 'smallcap',
  'caps\\b',
  '\\bsc\\b', 'sc-', 'smcp', 'swash', 'initial', 'ornament', 'dingbat', 'blackletter', 'fraktur',
  'gothic-?bl', 'missaali', 'phaistos', 'logix', 'braille', 'ocr-?b.*outline', 'awesome',
  'churchslavonic', 'ponomar', 'semaphor', 'fetamont', 'punk', 'rune', 'hamnosys', 'cyklop',
  'countries', 'yinit', 'yfont', 'yfrak', 'yswab', 'ygoth', 'miama', 'dantelogo', 'frederika',
  'fonetika', 'outline', 'powerline', 'unicode ?bmp', 'last ?resort', 'adobe ?blank', 'opens___',
  'jsmath', 'mathjax', 'lmmono.*prop.*caps', 'inverse', 'redact', 'spectre', 'twemoji', 'lyx',
  'typicons', 'wasy', 'msam', 'msbm', 'esint', 'feta', 'stmary', 'rsfs', 'eufm', 'cmex', 'cmmi',
  'cmsy', 'd050000l', 'standardsymbols', 'ubuntu-?title', 'webdings', 'wingdings', 'marlett',
  'unicase', 'notdef', 'qtdoghaus\\b', '^step\\b', 'upright.*script', 'lmscripts', 'acathist',
  'fedorovsk', 'menaion', 'pochaevsk', 'pomorsky', 'triodion', 'monomakh', 'shafarik', 'blex',
  'belleek', 'cinzel', 'keyboard', 'humor ?sans', 'penguin', 'junkyard', 'domestic ?manners',
  'ocra', 'modak', 'proggy', 'theano', 'routed ?gothic', 'alternates', 'poiret',
  'techtone', 'graphlite',
  'qt(ghoul|piltdown|westend|slogan|handwr|pandora|floren|clayt|cloist|lino|london|robotic|black'
  + '|dublin|heidel|arabian|paris|peignoir|corona|beckman|kung|merry|boulev|future ?poster|theatre'
  + '|caslanopen|dingb|arnieb|artiston|brush|caligula|cascade)'].join('|'), 'i');

// Designs that several families share: all of them are on the same side of the split.
const DESIGNS = [[/^(arimo|liberation sans|arkpandora)/, 'arial'],
  [/^(tinos|liberation serif|tex gyre termes|texgyretermes|nimbus roman)/, 'times'],
  [/^(freeserif|free serif|stix|xits|termes)/, 'times'],
  [/^(cousine|liberation mono|nimbus mono|tex gyre cursor|freemono)/, 'courier'],
  [/^(nimbus sans|tex gyre heros|freesans|qualitype|hindmadurai)/, 'helvetica'],
  [/^(noto sans|open ?sans|droid sans|noto mono)/, 'noto sans'], [/^(noto serif|droid serif)/,
    'noto serif'], [/^(tex gyre pagella|aepagella|p052|palladio|newpx|domitian|asana)/, 'palatino'],
  [/^(tex gyre bonum|urw bookman|bookman)/, 'bookman'], [/^(tex gyre schola|c059|schola)/,
    'schoolbook'], [/^(tex gyre adventor|urw gothic)/, 'avantgarde'],
  [/^(carlito|lato)/, 'lato'],
  [/^(latin modern|lm|cmu|newcm|newcomputermodern)/, 'computer modern'],
  [/^(new )?computer modern/, 'computer modern'],
  [/^(dejavu|bitstream|veran|hack)/, 'dejavu'],
  [/^(linux (libertine|biolinum)|libertinus)/, 'libertine'],
  [/^roboto/, 'roboto'], [/^(ibm )?plex/, 'plex'], [/^alegreya/, 'alegreya'], [/^fira/, 'fira'],
  [/^(gnu )?go\b/, 'go'], [/garamond/, 'garamond'], [/baskerv/, 'baskerville'],
  [/bodoni/, 'bodoni'],
  [/didot/, 'didot'], [/gillius/, 'gillius'], [/^(gentium|charis|doulos|andika)/, 'sil'],
  [/^averia/, 'averia'], [/^iwona|^kurier/, 'iwona'], [/^spleen/, 'spleen'], [/^lexend/, 'lexend'],
  [/^archiv/, 'archivo'], [/^opendysl/, 'opendyslexic'], [/bskvl/, 'baskerville'], [/^kp/, 'kp'],
  [/csln|caslon/, 'caslon'], [/^inconsolata/, 'inconsolata'], [/^anonymous/, 'anonymous'],

  [/^tiresias/, 'tiresias'], [/^ae(bonum|schola)/, 'bookman'], [/^aem/, 'computer modern'],
  [/^(m\+|mplus|m plus)/, 'mplus'], [/^pt /, 'pt']];

const STYLE = new RegExp('\\b(sans|serif|mono|slab|code|typewriter'
  + '|thin|hairline|ultra|extra|semi|demi|light'
  + '|book|regular|roman|medium'
  + '|bold|black|heavy|italic|oblique|condensed|cond|narrow|wide|expanded|compressed|display|text'
  + '|caption|subhead|poster|headline|small|large|slanted|variable|vf|otf|ttf|std|pro|lt|l|x|w\\d+'
  + '|\\d+(pt)?)\\b', 'g');

// The name of the design: families that differ in weight, width or optical size share it.
export function design(family) {
  const name = family.toLowerCase().replace(/[-_]/g, ' ');
  const shared = DESIGNS.find(([pattern]) => pattern.test(name));
  if (shared?.[1]) return shared[1];
  return name.replace(STYLE, '').replace(/\d+$/, '').replace(/\s+/g, ' ').trim() || name;
}

const heldout = (key) => createHash('md5').update(`screens 34 ${key}`).digest()[0] % 20 < 3;

function* files(dir) {
  if (!existsSync(dir)) return;
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else if (/\.(otf|ttf)$/i.test(entry.name)) yield path;
  }
}

const shape = (font, char) => font.glyphForCodePoint(char.codePointAt(0)).path;

// The outline, moved and scaled to a unit box: equal for a capital and its small capital.
function normalised(path) {
  const box = path.bbox;
  const scale = 1 / Math.max(box.height, 1);
  return path.commands.flatMap(({ args }) => args.map((v, i) => i % 2
    ? (v - box.minY) * scale : (v - box.minX) * scale));
}

const similar = (a, b) => a.length === b.length
  && a.every((v, i) => Math.abs(v - b[i]) < 0.04);

// The characters of the alphabet that the font really draws, or null for a font to leave out.
function glyphs(font) {
  const known = new Set(font.characterSet);
  if (range(0x20, 0x7e).some((c) => !known.has(c.codePointAt(0)))) return null;
  const missing = font.getGlyph(0).path.toSVG();
  const drawn = new Map();
  for (const char of ALPHABET) {
    if (!known.has(char.codePointAt(0))) continue;
    const path = shape(font, char);
    const svg = path.toSVG();
    if (path.commands.length > 2 && svg !== missing) drawn.set(char, svg);
  }
  if (range(0x21, 0x7e).some((c) => !drawn.has(c))) return null;
  const letters = [...range(0x41, 0x5a), ...range(0x61, 0x7a)];
  const clear = letters.filter((c) => c !== 'I' && c !== 'l');
  if (new Set(clear.map((c) => drawn.get(c))).size < clear.length) return null;
  const capitals = 'abdefghnqr'.split('').filter((c) => similar(normalised(shape(font, c)),
    normalised(shape(font, c.toUpperCase()))));
  if (capitals.length > 2) return null;
  // A character that looks like one of ASCII, or several with one glyph: stand-ins.
  const ascii = new Set(range(0x21, 0x7e).map((c) => drawn.get(c)));
  const uses = new Map();
  for (const svg of drawn.values()) uses.set(svg, (uses.get(svg) ?? 0) + 1);
  if (drawn.get('¤') === drawn.get('€')) drawn.delete('¤');
  for (const [char, svg] of drawn) {
    if (char > '~' && (ascii.has(svg) || uses.get(svg) > 2)) drawn.delete(char);
  }
  // A letter without its accent: no higher and no lower than its base.
  for (const char of drawn.keys()) {
    const base = char.normalize('NFD')[0];
    if (base === char || !drawn.has(base)) continue;
    const [a, b] = [shape(font, char), shape(font, base)];
    const more = Math.max(a.bbox.maxY - b.bbox.maxY, b.bbox.minY - a.bbox.minY);
    const flat = more < 0.02 * b.bbox.height && !/[ijdtlL]/.test(base);
    if (a.commands.length <= b.commands.length || flat) drawn.delete(char);
  }
  return [...drawn.keys()].join('');
}

function examine(file) {
  if (BAD.test(file.split('/').pop())) return null;
  try {
    const font = fontkit.openSync(file);
    const names = font.name?.records ?? {};
    const name = (key) => names[key]?.en ?? Object.values(names[key] ?? {})[0];
    const family = String(name('preferredFamily') ?? font.familyName ?? '');
    const full = `${family} ${font.fullName ?? ''} ${font.subfamilyName ?? ''}`;
    if (!family || BAD.test(full) || font['OS/2'] === undefined) return null;
    const chars = glyphs(font);
    if (!chars) return null;
    const os2 = font['OS/2'];
    return { file, family, chars, weight: os2.usWeightClass, width: os2.usWidthClass,
      italic: Boolean(font.post?.italicAngle) || /italic|oblique|slanted/i.test(full),
      mono: Boolean(font.post?.isFixedPitch) || font.glyphForCodePoint(0x69).advanceWidth
        === font.glyphForCodePoint(0x4d).advanceWidth,
      license: String(name('license') ?? name('copyright') ?? '').slice(0, 300) };
  } catch {
    return null;
  }
}

// All faces of the split; reads the font files once and keeps the answer in the temporary folder.
export function faces(split) {
  const all = DIRS.flatMap((dir) => [...files(dir)]).sort();
  const rules = readFileSync(new URL(import.meta.url));
  const key = createHash('md5').update(rules).update(all.join('\n')).digest('hex').slice(0, 12);
  const cache = join(tmpdir(), `screens-fonts-${key}.json`);
  if (!existsSync(cache)) {
    writeFileSync(cache, JSON.stringify(all.map(examine).filter(Boolean)));
  }
  const known = JSON.parse(readFileSync(cache, 'utf8'));
  return split ? known.filter((face) => heldout(design(face.family)) === (split === 'heldout'))
    : known;
}

// Families with their upright, bold and italic faces of normal width.
export function families(pool) {
  const byName = new Map();
  for (const face of pool) byName.set(face.family, [...byName.get(face.family) ?? [], face]);
  return [...byName].map(([family, all]) => {
    const pick = (weight, italic) => all.filter((f) => f.italic === italic).sort((a, b) =>
      Math.abs(a.weight - weight) + 99 * Math.abs(a.width - 5)
      - Math.abs(b.weight - weight) - 99 * Math.abs(b.width - 5))[0];
    const regular = pick(400, false) ?? pick(400, true);
    const styles = [[400, 'normal', regular], [700, 'normal', pick(700, false)],
      [400, 'italic', pick(400, true)], [700, 'italic', pick(700, true)]];
    return { family, mono: regular.mono, chars: regular.chars, regular,
      faces: styles.filter(([, , face]) => face) };
  });
}

export const url = (file) => `file://${file.split('/').map(encodeURIComponent).join('/')}`;

// The @font-face rules of a family under a name of our own.
export const rules = (family, name) => family.faces.map(([weight, style, face]) =>
  `@font-face{font-family:"${name}";font-weight:${weight};font-style:${style};`
  + `src:url("${url(face.file)}")}`).join('\n');

// A fontconfig file for the browser: the faces of the split alone, the families behind the generic
// names, smoothing and hinting. Returns its path.
export function fontconfig(dir, pool, { sans, serif, mono, rgba, hint }) {
  const fonts = join(dir, 'fonts');
  if (!existsSync(fonts)) {
    mkdirSync(fonts, { recursive: true });
    pool.forEach((f, i) => symlinkSync(f.file, join(fonts, `${i}.${f.file.split('.').pop()}`)));
  }
  const esc = (s) => s.replace(/&/g, '&amp;').replace(/</g, '&lt;');
  const alias = (names, family) => names.map((name) => '<match target="pattern"><test qual="any" '
    + `name="family"><string>${name}</string></test><edit name="family" mode="assign" `
    + `binding="same"><string>${esc(family)}</string></edit></match>`).join('\n');
  const edits = '<edit name="antialias" mode="assign"><bool>true</bool></edit>'
    + `<edit name="hinting" mode="assign"><bool>${hint !== 'hintnone'}</bool></edit>`
    + `<edit name="hintstyle" mode="assign"><const>${hint}</const></edit>`
    + `<edit name="rgba" mode="assign"><const>${rgba}</const></edit>`
    + '<edit name="lcdfilter" mode="assign"><const>lcddefault</const></edit>';
  const text = `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig><dir>${fonts}</dir><cachedir>${join(dir, 'cache')}</cachedir>
${alias(['serif', 'Times New Roman', 'Times', 'Georgia', 'Palatino', 'Cambria'], serif)}
${alias(['sans-serif', 'sans', 'Arial', 'Helvetica', 'Verdana', 'Segoe UI', 'system-ui', 'Tahoma',
    'Trebuchet MS', 'Helvetica Neue'], sans)}
${alias(['monospace', 'Courier New', 'Courier', 'Consolas', 'Menlo', 'Monaco'], mono)}
<match target="pattern">${edits}</match><match target="font">${edits}</match></fontconfig>\n`;
  const path = join(dir, 'fonts.conf');
  rmSync(path, { force: true });
  writeFileSync(path, text);
  return path;
}
