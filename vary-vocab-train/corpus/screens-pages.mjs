// Invented pages: articles, tables, receipts, forms, code, dialogs, chats and sheets of fonts, as
// HTML whose visible text is all in text nodes.
import { rules, url } from './screens-fonts.mjs';

const esc = (s) => s.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
const el = (tag, cls, ...inner) => `<${tag}${cls ? ` class="${cls}"` : ''}>${
  inner.flat(9).join('')}</${tag}>`;

const channel = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
export function contrast(a, b) {
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
}
const css = (c) => `rgb(${c.join(',')})`;
const anyColour = (r) => r.times(3, () => r.int(0, 255));

// A background, a text colour and a second text colour. Plain themes are those of real programs.
export function colours(r, plain) {
  const [light, dark] = [[255, 255, 255], [r.int(10, 45), r.int(10, 45), r.int(12, 56)]];
  let bg = r.pick([light, light, light, [r.int(235, 255), r.int(235, 255), r.int(230, 255)], dark,
    dark]);
  if (!plain && r.chance(0.35)) bg = anyColour(r);
  const least = plain ? 7 : r.pick([2.3, 3, 4.5, 4.5, 7, 7]);
  const find = (grey) => {
    for (let i = 0; i < 60; i++) {
      const c = grey ? Array(3).fill(r.int(0, 255)) : anyColour(r);
      if (contrast(c, bg) >= least) return c;
    }
    return luminance(bg) > 0.18 ? [0, 0, 0] : [255, 255, 255];
  };
  return { bg, fg: find(r.chance(0.75)), accent: find(false), edge: bg.map((v) => (v > 127 ? v - 40
    : v + 40)) };
}

// A line of a sheet: spread over what the font can draw.
function fit(t, chars, n) {
  const known = new Set(chars);
  for (let i = 0; i < 30; i++) {
    const line = t.line(n, 0.35).split(' ').filter((w) => [...w].every((c) => known.has(c)));
    if (line.length >= Math.min(n, 2)) return line.join(' ');
  }
  return t.mixed().replace(/[^ -~]/g, '');
}

const list = (t, r, ordered) => {
  const mark = r.pick(['•', '–', '*', '▪', '→', '✓', '◦', '■']);
  return el('div', 'list', r.times(r.int(3, 8), (i) => el('div', 'item',
    `${esc(ordered ? `${i + 1}${r.pick(['.', '.', ')'])}` : mark)} ${esc(t.line(r.int(2, 12)))}`)));
};

const inline = (t, r, n) => esc(t.line(n)).split(' ').map((word) => {
  const tag = r.pick(['b', 'i', 'a', 'code', 'em', 'strong']);
  return r.chance(0.06) ? `<${tag}>${word}</${tag}>` : word;
}).join(' ');

const article = (t, r) => [el('h1', '', esc(t.title(r.int(2, 7)))), r.times(r.int(3, 9), () => [
  r.chance(0.4) ? el(r.pick(['h2', 'h3']), '', esc(t.title(r.int(1, 6)))) : '',
  r.chance(0.2) ? list(t, r, r.chance(0.5)) : '', r.chance(0.12) ? code(t, r) : '',
  r.chance(0.12) ? el('blockquote', '', inline(t, r, r.int(8, 30))) : '',
  el('p', '', inline(t, r, r.int(12, 80)))])];

function table(t, r) {
  const kinds = r.times(r.int(2, 7), () => r.pick([() => t.number(), () => t.price(),
    () => t.date(), () => t.time(), () => t.name(), () => t.words(r.int(1, 4)),
    () => t.ident(), () => t.odd(),
    () => t.version(), () => t.latin(), () => t.mixed()]));
  return el('table', r.pick(['grid', 'rows', 'zebra', '']), el('tr', '', kinds.map(() =>
    el('th', '', esc(t.title(r.int(1, 2)))))), r.times(r.int(4, 22), () => el('tr', '',
    kinds.map((make) => el('td', '', esc(make()))))));
}

const pair = (a, b) => el('div', 'pair', el('span', '', esc(a)), el('span', '', esc(b)));

const receipt = (t, r) => el('div', 'paper', el('h3', '', esc(t.name().toUpperCase())),
  el('p', '', esc(`${t.capital(t.plain())} ${r.int(1, 300)}`), '<br>', esc(`${t.digits(5)} ${
    t.capital(t.plain())}`), '<br>', esc(t.phone())), el('p', '', esc(`${t.date()} ${t.time()}`)),
  r.times(r.int(4, 16), () => pair(`${r.int(1, 9)} x ${t.words(r.int(1, 3))}`, t.price())), '<hr>',
  pair(r.pick(['TOTAL', 'Summe', 'Total TTC', 'Razem', 'Celkem', 'Összesen']), t.price()),
  pair(r.pick(['VAT 20%', 'MwSt. 19 %', 'TVA', 'IVA 21%', 'moms 25 %']), t.price()),
  el('p', '', esc(t.line(r.int(2, 8)))), el('p', '', esc(t.mixed())));

const form = (t, r) => [el('h2', '', esc(t.title(r.int(1, 5)))), r.times(r.int(4, 12), () =>
  el('div', r.pick(['field', 'field stacked']), el('label', '', esc(`${t.title(r.int(1, 3))}${
    r.pick([':', '', ' *'])}`)), el('div', 'input', esc(r.chance(0.6) ? t.odd()
    : t.line(r.int(1, 5)))))), el('div', 'buttons', r.times(r.int(1, 3), () => el('span', 'button',
  esc(t.title(r.int(1, 2))))))];

function code(t, r) {
  let depth = 0;
  const numbered = r.chance(0.25);
  const lines = r.times(r.int(4, 40), (i) => {
    depth = Math.max(0, Math.min(5, depth + r.int(-1, 1)));
    const text = r.chance(0.06) ? '' : r.times(r.int(1, 3), () => t.code()).join(' ');
    const paint = esc(text).split(' ').map((w) => (r.chance(0.25)
      ? `<span class="k${r.int(0, 2)}">${w}</span>` : w)).join(' ');
    return `${numbered ? `${String(i + 1).padStart(3)} ` : ''}${' '.repeat(depth * 4)}${paint}`;
  });
  return el('pre', 'code', lines.join('\n'));
}

const dialog = (t, r) => el('div', 'screen', r.times(r.int(1, 3), () => el('div', 'dialog',
  el('div', 'titlebar', el('span', '', esc(t.title(r.int(1, 5)))), el('span', '', '×')),
  el('p', '', inline(t, r, r.int(5, 40))), r.chance(0.4) ? el('p', '', esc(t.path())) : '',
  el('div', 'buttons', r.times(r.int(1, 3), () => el('span', 'button',
    esc(r.pick(['OK', 'Cancel', 'Abbrechen', 'Retry', 'Oui', 'Zrušit', 'Később',
      t.title(r.int(1, 2))]))))))));

const menu = (t, r) => [el('div', 'bar', r.times(r.int(3, 8), () => el('span', '',
  esc(t.title(1))))), el('div', 'cols', r.times(r.int(1, 4), () => el('div', 'menu',
  r.times(r.int(4, 14), () => pair(`${r.pick(['', '', '✓ ', '• '])}${
    t.title(r.int(1, 4))}${r.pick(['', '', '…'])}`, r.pick(['', '►', `Ctrl+${t.chars(
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 1)}`, `Shift+F${r.int(1, 12)}`]))))))];

const chat = (t, r) => r.times(r.int(4, 14), () => el('div', r.pick(['bubble', 'bubble mine']),
  el('b', 'who', esc(t.name())), el('p', '', inline(t, r, r.int(1, 30))),
  el('small', '', esc(t.time()))));

const dashboard = (t, r) => [el('h2', '', esc(t.title(r.int(1, 4)))), el('div', 'cards',
  r.times(r.int(4, 16), () => el('div', 'card', el('div', 'label', esc(t.title(r.int(1, 3)))),
    el('div', 'big', esc(r.chance(0.5) ? t.number() : t.price())), el('small', '', esc(`${
      r.pick(['▲', '▼', '+', '−', '↑', '↓'])} ${r.float(0, 99).toFixed(1)}% ${t.words(2)}`)))))];

const prices = (t, r) => [el('h1', '', esc(t.title(2))), r.times(r.int(8, 24), () => pair(
  t.line(r.int(1, 5)), t.price()))];

const mail = (t, r) => [...['From', 'To', 'Subject', 'Date'].map((k, i) => el('div', '', el('b', '',
  `${k}:`), ' ', esc([`${t.name()} <${t.ident()}@${t.host()}>`, `${t.ident()}@${t.host()}`,
  t.title(r.int(2, 8)), `${t.date()} ${t.time()}`][i]))), '<hr>', r.times(r.int(2, 6), () =>
  el('p', '', inline(t, r, r.int(5, 60)))), el('p', '', `${esc(t.name())}<br>${esc(t.phone())}<br>${
  esc(t.url())}`)];

const address = (t, r) => el('div', 'cards', r.times(r.int(4, 14), () => el('div', 'card',
  el('p', '', [t.name(), `${t.latin()} ${r.int(1, 300)}${r.pick(['', 'a', '/2'])}`,
    `${t.digits(5)} ${t.capital(t.latin())}`, t.phone(),
    `${t.ident()}@${t.host()}`].map(esc).join('<br>')))));

const listing = (t, r) => [el('h2', '', esc(t.title(r.int(1, 3)))), r.times(r.int(12, 45), () =>
  el('div', 'row', esc(r.times(r.int(1, 4), () => t.odd()).join(' '))))];

const terminal = (t, r) => el('pre', 'code', r.times(r.int(10, 45), () => esc(r.pick([
  () => `${t.ident()}@${t.ident()}:~$ ${t.ident()} --${t.ident()} ${t.path()}`,
  () => `[${t.time()}] ${r.pick(['INFO', 'WARN', 'ERROR', 'DEBUG'])} ${t.line(r.int(3, 9), 0.3)}`,
  () => `-rw-r--r-- 1 root root ${String(r.int(1, 9999999)).padStart(8)} ${t.date()} ${t.ident()}`,
  () => t.line(r.int(3, 10), 0.3)])())).join('\n'));

const KINDS = { article, article2: article, table, table2: table, receipt, form, code:
  (t, r) => code(t, r), dialog, menu, chat, dashboard, prices, mail, address, listing, terminal };

const box = (r, c) => `border:${r.int(0, 2)}px solid ${css(c.edge)};border-radius:${
  r.int(0, 14)}px;`;

function style(r, c, size, plain) {
  const spacing = !plain && r.chance(0.15)
    ? `letter-spacing:${r.float(-0.02, 0.12).toFixed(3)}em;` : '';
  const gradient = !plain && r.chance(0.12)
    ? `background-image:linear-gradient(${r.int(0, 360)}deg,${css(c.bg)},${css(c.bg.map((v) =>
      Math.max(0, Math.min(255, v + r.int(-25, 25)))))});background-attachment:fixed;` : '';
  const soft = css(c.bg.map((v) => (v > 127 ? v - r.int(4, 14) : v + r.int(4, 14))));
  const align = !plain && r.chance(0.15) ? r.pick(['center', 'justify', 'right']) : 'left';
  return `html{background:${css(c.bg)};${gradient}color:${css(c.fg)}}
body{margin:0;padding:${r.int(6, 40)}px;font:${
  r.chance(0.1) && !plain ? 'bold' : 'normal'} ${size}px/${
  r.float(1.15, 1.9).toFixed(2)} T,sans-serif;${spacing}text-align:${align}}
pre,code{font-family:M,monospace;font-variant-ligatures:none} pre{margin:8px 0;tab-size:4;${
  r.chance(0.5) ? `background:${soft};padding:8px;` : ''}white-space:${r.pick(['pre', 'pre-wrap'])}}
h1,h2,h3{font-family:H,sans-serif;line-height:1.25;margin:.5em 0;${r.chance(0.4)
  ? `color:${css(c.accent)}` : ''}}
h1{font-size:${r.float(1.4, 2.6).toFixed(2)}em} p{margin:.6em 0;max-width:${r.int(350, 1300)}px}
a,.k0,.big{color:${css(c.accent)}} .k1{font-weight:bold} .k2{font-style:italic}
a{text-decoration:${r.pick(['none', 'underline'])}} .item{padding-left:${r.int(0, 30)}px}
table{border-collapse:collapse} td,th{padding:${r.int(2, 9)}px ${r.int(6, 18)}px;text-align:${
  r.pick(['left', 'right', 'center'])}} .grid td,.grid th{border:1px solid ${css(c.edge)}}
.rows td{border-bottom:1px solid ${css(c.edge)}} .zebra tr:nth-child(even){background:${soft}}
.pair{display:flex;justify-content:space-between;gap:2em;max-width:${r.int(260, 700)}px}
.paper{width:${r.int(220, 420)}px;padding:16px;${box(r, c)}${r.chance(0.5)
  ? 'font-family:M,monospace' : ''}} .field{display:flex;gap:1em;margin:.5em 0;align-items:center}
.stacked{display:block}
label{min-width:9em} .input{${box(r, c)}padding:.3em .6em;min-width:14em;background:${soft}}
.buttons{display:flex;gap:1em;justify-content:${r.pick(['flex-end', 'flex-start', 'center'])}}
.button{${box(r, c)}padding:.35em 1.2em;background:${soft}} .screen{display:flex;flex-wrap:wrap;
gap:30px} .dialog{width:${r.int(260, 520)}px;padding:14px;background:${soft};${box(r, c)}}
.titlebar{display:flex;justify-content:space-between;font-weight:bold} .bar{display:flex;gap:1.6em}
.cols{display:flex;gap:24px;align-items:flex-start} .menu{padding:6px 12px;${box(r, c)}}
.bubble{width:fit-content;max-width:70%;margin:.6em 0;padding:.5em .9em;background:${soft};${
  box(r, c)}} .mine{margin-left:auto} .bubble p{margin:.2em 0} small{font-size:.85em}
.cards{display:flex;flex-wrap:wrap;gap:14px} .card{padding:12px;background:${soft};${box(r, c)}}
.big{font-size:${r.float(1.2, 2.4).toFixed(2)}em}`;
}

const pickFonts = (r, all) => {
  const text = all.filter((f) => !f.mono);
  const body = r.pick(r.chance(0.1) ? all : text);
  return { T: body, H: r.chance(0.6) ? body : r.pick(text), M: r.pick(all.filter((f) => f.mono)) };
};

// A page of a random kind: its name and its HTML.
export function invented(r, t, all, plain) {
  const kind = r.pick(Object.keys(KINDS));
  const fonts = pickFonts(r, all);
  const c = colours(r, plain);
  const faces = Object.entries(fonts).map(([name, family]) => rules(family, name)).join('\n');
  const body = el('div', '', KINDS[kind](t, r));
  return { kind: kind.replace(/\d/, ''), html: `<!DOCTYPE html><meta charset="utf-8"><style>${
    faces}\n${style(r, c, r.int(plain ? 12 : 9, plain ? 18 : 24), plain)}</style>${body}` };
}

// A sheet: every line in another face, size and colour. Faces of rare families are as likely as
// those of large ones.
export function sheet(r, t, byFamily, height) {
  const c = colours(r, false);
  const lines = [];
  const faces = [];
  for (let y = 0; y < height - 30;) {
    const face = r.pick(r.pick(byFamily));
    const size = Math.round(r.pick([r.float(9, 20), r.float(9, 30), r.float(14, 60)]));
    const own = r.chance(0.25) ? colours(r, false) : c;
    const text = fit(t, face.chars, r.int(1, Math.max(2, Math.round(160 / size))));
    faces.push(`@font-face{font-family:"S${faces.length}";src:url("${url(face.file)}")}`);
    const extra = [r.chance(0.25) ? `letter-spacing:${r.float(-0.03, 0.2).toFixed(3)}em` : '',
      r.chance(0.08) ? 'font-style:oblique 12deg' : '', r.chance(0.08) ? 'font-weight:bold' : '',
      own === c ? '' : `background:${css(own.bg)}`,
      r.chance(0.05) ? 'text-decoration:underline' : '',
      face.mono || r.chance(0.5) ? 'font-variant-ligatures:none' : ''].filter(Boolean).join(';');
    lines.push(`<div style="font-family:S${faces.length - 1};font-size:${size}px;color:${
      css(own.fg)};${extra};margin:${r.int(1, 8)}px ${r.int(0, 40)}px">${esc(text)}</div>`);
    y += size * 1.5 + 6;
  }
  return { kind: 'sheet', html: `<!DOCTYPE html><meta charset="utf-8"><style>${faces.join('\n')}
html{background:${css(c.bg)}} body{margin:8px;line-height:${r.float(1.2, 1.6).toFixed(2)}}</style>${
    lines.join('\n')}` };
}
