// Screenshots of a browser with their exact text and word boxes, to train and to test the
// recogniser of text lines.
//
//   npm install
//   node screens.mjs OUT COUNT [--seed N] [--split train|heldout]
//
// Writes OUT/NAME.png and OUT/NAME.json: {"text", "words": [{"text", "bbox": [left, top, right,
// bottom]}]}; `text` has the lines in reading order, paragraphs apart by an empty line, and `words`
// its words in that order, in pixels of the image. Images that OUT has already are not drawn again.
//
// Needs Chromium (CHROMIUM names it, else /usr/bin/chromium), installed HTML documentation below
// SCREENS_DOCS (else /usr/share/doc; Debian's -doc packages) and fonts below SCREENS_FONTS
// (directories separated by colons). The split divides both: documents by package, fonts by family.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, renameSync,
  rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { chromium } from 'playwright-core';
import { ALPHABET, design, faces, families, fontconfig, rules, url } from './screens-fonts.mjs';
import { extent, measure, prepare } from './screens-measure.mjs';
import { colours, invented, sheet } from './screens-pages.mjs';
import { Random, Text } from './screens-text.mjs';

const PER_BROWSER = 60;
// Documentation packages of the held-out split, with all their translations.
const HELD_DOCS = new RegExp('^(sqlite3-doc|krb5-doc|zsh-doc|debian-reference|gnucash-docs|nodejs'
  + '|scons|postfix-doc|python-flask|python-requests|freedombox|debian-faq|git-doc|bird2-doc)');
// The PDF files for training have documents of these sources.
const KNOWN_DOCS = /^(sqlite3|zsh|debian-reference|gnucash|nodejs|freedombox|git)/;
// Packages that judge the project from outside, as in pdf.sh.
const RESERVED = /^(r-|developers-reference|asymptote|debian-policy|gnuplot|octave)/;
const NO_DOCS = /^(qgis-api-doc|libtasn1|texlive)/;

// Paths of HTML documents in groups of a package and a language.
function documents(split) {
  const info = '/var/lib/dpkg/info';
  const groups = new Map();
  for (const list of readdirSync(info).filter((f) => f.endsWith('.list')).sort()) {
    const name = basename(list, '.list').replace(/:.*/, '');
    if (NO_DOCS.test(name) || RESERVED.test(name)) continue;
    if (HELD_DOCS.test(name) !== (split === 'heldout')) continue;
    if (split === 'heldout' && KNOWN_DOCS.test(name)) continue;
    const pages = readFileSync(join(info, list), 'utf8').split('\n').filter((f) =>
      /\/(doc|help|html|share)\/.*\.x?html?$/.test(f));
    if (pages.length < 5) continue;
    for (const page of pages) {
      const language = page.match(/[/.]([a-z]{2}([-_][A-Za-z]{2})?)[/.]/)?.[1] ?? '';
      const key = `${name} ${language}`;
      if (/^(ja|zh|ko|ru|ar|fa|el|he|uk|bg|hi|vi)([-_]|$)/.test(language)) continue;
      groups.set(key, [...groups.get(key) ?? [], page]);
    }
  }
  return [...groups.values()].filter((pages) => pages.length > 3);
}

const readable = (page) => {
  try {
    const status = statSync(realpathSync(page));
    return status.isFile() && status.size > 1500 && status.size < 500e3;
  } catch {
    return false;
  }
};

// Sentences of the documents, as arrays of words of the alphabet.
function sentences(groups, random) {
  const allowed = new Set(ALPHABET);
  const entities = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ' };
  const out = [];
  for (const group of groups) {
    for (let i = 0; i < Math.min(14, group.length); i++) {
      const page = random.pick(group);
      if (!readable(page)) continue;
      const text = readFileSync(page, 'utf8').replace(/<(script|style|pre)[\s\S]*?<\/\1>/gi, ' ')
        .replace(/<\/?(b|i|em|a|code|span|strong|tt)\b[^>]*>/gi, '').replace(/<[^>]*>/g, '\n')
        .replace(/&#(\d+);/g, (_, n) => String.fromCodePoint(Math.min(n, 0x10ffff)))
        .replace(/&(\w+);/g, (all, name) => entities[name] ?? all);
      for (const line of text.normalize('NFC').split(/\n\s*\n|(?<=[.!?])\s+/).slice(0, 400)) {
        const words = line.split(/\s+/).filter((w) => w && !/&#?\w+;/.test(w));
        if (words.length > 3 && words.every((w) => w.length < 40 && [...w].every((c) =>
          allowed.has(c)))) out.push(words);
      }
    }
  }
  return out;
}

// The CSS that changes a document: nothing, dark mode, or a family, colours and line height.
function override(r, pool, split) {
  const c = colours(r, split === 'heldout');
  const rgb = (v) => `rgb(${v.join(',')})`;
  const paint = (bg, fg, link) => `body,body *{background-color:transparent!important;
    background-image:none!important;color:inherit!important;text-shadow:none!important}
    html,body{background:${bg}!important;color:${fg}!important}
    body a,body a *{color:${link}!important}`;
  const dark = r.chance(0.2);
  if (split === 'heldout' || r.chance(0.5)) {
    return dark ? paint('rgb(24,26,31)', 'rgb(222,222,222)', 'rgb(122,178,255)') : '';
  }
  const [text, mono] = [r.pick(pool.filter((f) => !f.mono)), r.pick(pool.filter((f) => f.mono))];
  return [rules(text, 'T'), rules(mono, 'M'), r.chance(0.85)
    ? 'body,body *{font-family:T,sans-serif!important} body :is(pre,code,tt,kbd,samp),'
      + 'body :is(pre,code) *{font-family:M,monospace!important}' : '',
  r.chance(0.6) ? paint(rgb(c.bg), rgb(c.fg), rgb(r.chance(0.5) ? c.accent : c.fg)) : '',
  r.chance(0.4) ? `body *{line-height:${r.float(1.15, 2).toFixed(2)}!important}` : '',
  r.chance(0.12) ? `body *{letter-spacing:${r.float(0.01, 0.1).toFixed(3)}em!important}` : '',
  r.chance(0.1) ? 'body p{text-align:justify!important}' : ''].join('\n');
}

// The size of the window and the scale of its pixels, below six million pixels.
function metrics(r, kind, split) {
  const dpr = r.chance(0.5) ? 1 : r.pick([1.25, 1.5, 2, 3]);
  // The zoom of a document is as the browser's: a smaller window of larger pixels.
  const zoom = kind !== 'doc' ? 1 : split === 'heldout' ? r.pick([1, 1, 1, 0.9, 1.1, 1.25, 1.5])
    : r.chance(0.5) ? 1 : r.float(0.65, 1.5);
  let [w, h] = [r.int(500, 1600), r.int(300, 1400)];
  const shrink = Math.min(1, Math.sqrt(4.5e6 / (w * h * dpr * dpr)));
  [w, h] = [Math.max(500, Math.round(w * shrink)), Math.max(300, Math.round(h * shrink))];
  return { width: Math.round(w / zoom), height: Math.round(h / zoom), scale: dpr * zoom };
}

class Studio {
  constructor(split, seed, folder) {
    Object.assign(this, { split, seed, folder });
    this.faces = faces(split);
    this.families = families(this.faces);
    const groups = new Map();
    for (const f of this.faces) {
      const key = design(f.family);
      groups.set(key, [...groups.get(key) ?? [], f]);
    }
    this.designs = [...groups.values()];
    this.documents = documents(split);
    this.sentences = sentences(this.documents, new Random(split, 'sentences'));
    const drawn = new Set(this.faces.flatMap((f) => [...f.chars]));
    this.alphabet = ALPHABET.filter((c) => drawn.has(c));
  }

  // A browser with its own smoothing, hinting and default families.
  async launch(part) {
    const r = new Random(this.split, this.seed, 'browser', part);
    const full = this.families.filter((f) => f.chars.length > 290);
    const like = (pattern, mono) => r.pick(full.filter((f) => f.mono === mono
      && pattern.test(f.family))) ?? r.pick(full.filter((f) => f.mono === mono));
    const setting = { sans: like(/sans|arimo|heros|roboto|lato|inter|karla|carlito/i, false).family,
      serif: like(/serif|tinos|termes|roman|charter|caladea|times/i, false).family,
      mono: like(/mono|code|courier|cousine/i, true).family, rgba: r.pick(['none', 'none', 'rgb',
        'rgb', 'bgr']), hint: r.pick(['hintnone', 'hintslight', 'hintslight', 'hintfull']) };
    const conf = fontconfig(this.folder, this.faces, setting);
    const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
    this.browser = await chromium.launch({ executablePath, handleSIGINT: false,
      handleSIGTERM: false,
      env: { ...process.env, FONTCONFIG_FILE: conf }, args: ['--no-sandbox', '--disable-gpu',
        '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync', '--allow-file-access-from-files',
        '--host-resolver-rules=MAP * ~NOTFOUND', ...(setting.rgba === 'none' ? []
          : ['--enable-lcd-text'])] });
    const context = await this.browser.newContext({ javaScriptEnabled: false });
    this.page = await context.newPage();
    await this.page.route(/^https?:/, (route) => route.abort());
    this.cdp = await context.newCDPSession(this.page);
    return setting;
  }

  async close() { await this.browser?.close().catch(() => {}); this.browser = null; }

  kind(index) {
    const r = new Random(this.split, this.seed, 'kind', index);
    const kind = r.next();
    return this.split === 'heldout' ? (kind < 0.6 ? 'doc' : 'page')
      : kind < 0.33 ? 'doc' : kind < 0.74 ? 'page' : 'sheet';
  }

  async draw(index, attempt) {
    const r = new Random(this.split, this.seed, index, attempt);
    const kind = this.kind(index);
    const size = metrics(r, kind, this.split);
    const plain = this.split === 'heldout';
    let [source, css] = ['', ''];
    if (kind === 'doc') {
      source = r.pick(r.pick(this.documents));
      for (let i = 0; i < 20 && !readable(source); i++) source = r.pick(r.pick(this.documents));
      css = override(r, this.families, this.split);
    } else {
      const text = new Text(r, this.sentences);
      // Held-out pages are set in families for running text.
      const wide = plain ? this.families.filter((f) => f.chars.length > 290) : this.families;
      const made = kind === 'page' ? invented(r, text, wide, plain)
        : sheet(r, text, this.designs, size.height);
      source = join(this.folder, 'page.html');
      writeFileSync(source, made.html);
      this.detail = made.kind;
    }
    css += r.chance(0.6) ? 'html{font-variant-ligatures:none}'
      : 'html{font-variant-ligatures:common-ligatures no-contextual no-discretionary-ligatures}';
    await this.cdp.send('Emulation.setDeviceMetricsOverride', { width: size.width,
      height: size.height, deviceScaleFactor: size.scale, mobile: false });
    await this.page.goto(url(realpathSync(source)), { waitUntil: 'load', timeout: 8000 });
    await this.page.evaluate(prepare, css);
    if (kind === 'doc') {
      const rest = Math.max(0, await this.page.evaluate(extent) - size.height);
      const top = Math.floor(r.next() * rest);
      await this.page.evaluate((y) => scrollTo(0, y), r.chance(0.25) ? 0 : top);
    }
    const segments = await this.page.evaluate(measure, { alphabet: this.alphabet,
      smallest: 7.5 / size.scale });
    const shot = await this.cdp.send('Page.captureScreenshot', { format: 'png',
      optimizeForSpeed: true });
    return { png: Buffer.from(shot.data, 'base64'), truth: truth(segments, size.scale) };
  }
}

function truth(segments, scale) {
  const round = (v) => Math.round(v * scale * 100) / 100;
  const text = segments.map(({ joined, lines }, i) => (i === 0 ? '' : joined ? '\n' : '\n\n')
    + lines.map((line) => line.map(([word]) => word).join(' ')).join('\n')).join('');
  const words = segments.flatMap(({ lines }) => lines.flat()).map(([word, ...box]) => ({ text: word,
    bbox: box.map(round) }));
  return { text, words };
}

async function main() {
  const args = process.argv.slice(2);
  const option = (name, fallback) => {
    const at = args.indexOf(name);
    return at < 0 ? fallback : args.splice(at, 2)[1];
  };
  const split = option('--split', 'train');
  const seed = option('--seed', split === 'train' ? '1' : '1000001');
  const [out, count] = [args[0], Number(args[1])];
  if (!out || !(count > 0) || !['train', 'heldout'].includes(split)) {
    console.error('usage: node screens.mjs OUT COUNT [--seed N] [--split train|heldout]');
    process.exit(2);
  }
  mkdirSync(out, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'screens-'));
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const studio = new Studio(split, seed, folder);
  console.log(`${studio.families.length} families in ${studio.designs.length} designs, `
    + `${studio.documents.length} groups of documents, ${studio.sentences.length} sentences`);
  const began = Date.now();
  let drawn = 0;
  let part = -1;
  for (let index = 0; index < count; index++) {
    const name = join(out, `${studio.kind(index)}-${String(index).padStart(6, '0')}`);
    if (existsSync(`${name}.json`)) continue;
    let done = false;
    for (let attempt = 0; attempt < 6 && !done; attempt++) {
      try {
        if (!studio.browser || part !== Math.floor(index / PER_BROWSER)) {
          await studio.close();
          part = Math.floor(index / PER_BROWSER);
          await studio.launch(part);
        }
        const limit = new Promise((_, fail) => {
          setTimeout(fail, 25e3, new Error('too slow')).unref();
        });
        const { png, truth: found } = await Promise.race([studio.draw(index, attempt), limit]);
        if (found.words.length < 8) continue;
        for (const [end, data] of [['png', png], ['json', JSON.stringify(found)]]) {
          writeFileSync(`${name}.${end}.${process.pid}`, data);
          renameSync(`${name}.${end}.${process.pid}`, `${name}.${end}`);
        }
        done = true;
      } catch (error) {
        console.error(`${index}: ${String(error.message).split('\n')[0]}`);
        await studio.close();
      }
    }
    drawn += Number(done);
    if (done && drawn % 100 === 0) {
      console.log(`${drawn} drawn, ${(drawn / (Date.now() - began) * 1000).toFixed(2)} a second`);
    }
  }
  await studio.close();
  console.log(`${drawn} drawn in ${((Date.now() - began) / 1000).toFixed(0)} s`);
}

await main();
