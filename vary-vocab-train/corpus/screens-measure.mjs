// Functions that run inside the browser page: they make all visible text real text nodes, and
// measure the words. Each is sent as source, so it uses nothing from outside itself.

// Makes the page still: no generated content, list markers as text, no hidden or odd characters.
export function prepare(css) {
  const skip = 'script,style,template,noscript,title';
  const roman = (n) => [[10, 'x'], [9, 'ix'], [5, 'v'], [4, 'iv'], [1, 'i']].reduce(
    ([out, left], [v, s]) => [out + s.repeat(Math.floor(left / v)), left % v], ['', n])[0];
  const marker = (li) => {
    const style = getComputedStyle(li);
    if (style.display !== 'list-item') return '';
    const type = style.listStyleType;
    const marks = { disc: '•', circle: '◦', square: '▪' };
    if (marks[type]) return marks[type];
    const siblings = [...li.parentNode.children].filter((e) => e.tagName === 'LI');
    const start = li.parentNode.tagName === 'OL' ? li.parentNode.start : 1;
    const n = li.value || start + siblings.indexOf(li);
    const letter = String.fromCharCode(96 + ((n - 1) % 26) + 1);
    return { decimal: `${n}.`, 'lower-alpha': `${letter}.`, 'lower-latin': `${letter}.`,
      'upper-alpha': `${letter.toUpperCase()}.`, 'lower-roman': `${roman(n)}.`,
      'upper-roman': `${roman(n).toUpperCase()}.` }[type] ?? '';
  };
  const items = [...document.querySelectorAll('li')].slice(0, 3000).map((li) => [li, marker(li)]);
  const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const text = node.data.normalize('NFC').replace(/[\u00ad\u200b-\u200f\u2060\ufeff\ufe0f]/g, '')
      .replace(/[\u2010\u2011]/g, '-').replace(/[\u2000-\u200a\u202f\u205f]/g, '\u00a0');
    if (text !== node.data) node.data = text;
  }
  for (const [li, mark] of items) {
    if (!mark) continue;
    const texts = document.createTreeWalker(li, NodeFilter.SHOW_TEXT);
    let first = texts.nextNode();
    while (first && (!first.data.trim() || first.parentElement.closest(skip))) {
      first = texts.nextNode();
    }
    if (!first || first.parentElement.closest('li') !== li) continue;
    if (first.parentElement.closest('pre,table')) continue;
    let place = first;
    while (place.parentNode !== li && getComputedStyle(place.parentNode).display === 'inline') {
      place = place.parentNode;
    }
    const span = document.createElement('span');
    span.textContent = `${mark}\u00a0`;
    place.parentNode.insertBefore(span, place);
  }
  const sheet = document.createElement('style');
  sheet.textContent = `*,*::before,*::after{animation:none!important;transition:none!important;
    text-transform:none!important;font-variant-caps:normal!important;pointer-events:auto!important;
    text-overflow:clip!important;hyphens:manual!important;user-select:auto!important;
    font-feature-settings:normal!important;scroll-behavior:auto!important;
    -webkit-hyphens:manual!important}
    *::before,*::after{content:none!important} *::marker{content:none!important}
    li,summary{list-style:none!important} img,svg,canvas,video,iframe,object,embed,input,select,
    textarea,math,meter,progress,applet{visibility:hidden!important}
    ::highlight(gone){color:transparent!important;background:transparent!important;
    text-decoration:none!important;text-shadow:none!important}
    pre,code,tt,kbd,samp{font-variant-ligatures:none} ${css}`;
  document.documentElement.appendChild(sheet);
  return document.fonts.ready.then(() => null);
}

// The height of the page, to scroll within.
export const extent = () => Math.max(document.documentElement.scrollHeight,
  document.body?.scrollHeight ?? 0);

// The visible words as segments of lines; what is cut, hidden in part or outside the alphabet is
// made transparent, so that the image shows the truth and nothing else.
export function measure({ alphabet, smallest }) {
  const allowed = new Set(alphabet);
  const [width, height] = [innerWidth, innerHeight];
  const gone = new Highlight();
  const styles = new Map();
  const styleOf = (e) => {
    if (!styles.has(e)) styles.set(e, getComputedStyle(e));
    return styles.get(e);
  };
  const rgba = (s) => (s.match(/[\d.]+/g) ?? []).map(Number);
  // Readable: not transparent, and not of the colour of its background.
  const seen = new Map();
  const readable = (e) => {
    if (seen.has(e)) return seen.get(e);
    const fg = rgba(styleOf(e).color);
    let ok = fg.length < 4 || fg[3] > 0.5;
    let opacity = 1;
    let bg = null;
    for (let a = e; a; a = a.parentElement) {
      const s = styleOf(a);
      opacity *= Number(s.opacity);
      if (s.writingMode !== 'horizontal-tb' || s.transform !== 'none' || s.direction === 'rtl'
        || Number(s.fontSize.slice(0, -2)) === 0) ok = false;
      const c = rgba(s.backgroundColor);
      if (!bg && (c.length === 3 || c[3] > 0.5)) bg = c;
      if (!bg && s.backgroundImage.includes('gradient')) {
        bg = rgba(s.backgroundImage.match(/rgb[^)]*/)?.[0] ?? '');
      }
    }
    bg ??= [255, 255, 255];
    const lum = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, w, i) => sum + w * ((v) => (v <= 0.04
      ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))(c[i] / 255), 0.05);
    const ratio = lum(fg) / lum(bg);
    ok &&= opacity > 0.5 && Math.max(ratio, 1 / ratio) > 1.7
      && Number(styleOf(e).fontSize.slice(0, -2)) >= smallest;
    seen.set(e, ok);
    return ok;
  };
  const flows = new Set(['inline', 'contents', 'ruby']);
  const simple = new Map();
  const isInline = (e) => {
    if (simple.has(e)) return simple.get(e);
    const { display, float, position } = styleOf(e);
    const still = float === 'none' && position !== 'absolute' && position !== 'fixed';
    const ok = still && (flows.has(display) || (display === 'inline-block' && !e.querySelector('*')
      && e.getBoundingClientRect().height < 2.2 * Number(styleOf(e).fontSize.slice(0, -2))));
    simple.set(e, ok);
    return ok;
  };
  const blockOf = (e) => {
    let b = e;
    while (b.parentElement && isInline(b)) b = b.parentElement;
    return b;
  };
  const range = document.createRange();
  const part = (node, from, to) => {
    range.setStart(node, from);
    range.setEnd(node, to);
    return range;
  };
  const hit = (x, y, e) => document.elementFromPoint(x, y) === e;
  const visible = (b, e) => {
    if (b.left < 0 || b.top < 0 || b.right > width || b.bottom > height) return false;
    if (b.right - b.left < 0.5 || b.bottom - b.top < 2) return false;
    const inset = Math.min(2.5, (b.right - b.left) * 0.3);
    const [cx, cy] = [(b.left + b.right) / 2, (b.top + b.bottom) / 2];
    const q = (b.bottom - b.top) * 0.22;
    return hit(cx, cy, e) && hit(b.left + inset, cy, e) && hit(b.right - inset, cy, e)
      && hit(cx, cy - q, e) && hit(cx, cy + q, e);
  };
  const level = (a, b) => Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)
    > 0.5 * Math.min(a.bottom - a.top, b.bottom - b.top);
  const join = (a, b) => ({ left: Math.min(a.left, b.left), top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right), bottom: Math.max(a.bottom, b.bottom) });

  // Pieces of a text node between two offsets, one for every line that it is on.
  const pieces = (node, from, to) => {
    const e = node.parentElement;
    const rects = [...part(node, from, to).getClientRects()].filter((b) => b.width > 0);
    if (rects.length === 0) return [];
    const one = (f, t, b) => ({ text: node.data.slice(f, t), node, from: f, to: t, e,
      box: { left: b.left, top: b.top, right: b.right, bottom: b.bottom } });
    if (rects.length === 1) return [one(from, to, rects[0])];
    const out = [];
    for (let at = from; at < to;) {
      const next = at + (node.data.codePointAt(at) > 0xffff ? 2 : 1);
      const b = part(node, at, next).getBoundingClientRect();
      const last = out[out.length - 1];
      if (last && level(last.box, b) && b.left >= last.box.left) {
        out[out.length - 1] = one(last.from, next, join(last.box, b));
      } else if (b.width > 0 || !last) out.push(one(at, next, b));
      at = next;
    }
    return out;
  };

  // Runs of text nodes of one block, without those of no size.
  const runs = [];
  const no = new RegExp('^(SCRIPT|STYLE|TEMPLATE|NOSCRIPT|SELECT|TEXTAREA|SVG|MATH|IFRAME|OBJECT)$',
    'i');
  const nodes = [];
  const visit = (parent) => {
    for (let node = parent.firstChild; node; node = node.nextSibling) {
      if (node.nodeType === 3 || node.nodeType === 1) nodes.push(node);
      if (node.nodeType === 1 && !no.test(node.tagName)) visit(node);
    }
  };
  visit(document.body);
  let run = null;
  for (const node of nodes) {
    if (node.nodeType === 1) {
      if (/^(BR|IMG|SVG|INPUT|BUTTON|HR)$/i.test(node.tagName)) run?.nodes.push(null);
      continue;
    }
    const e = node.parentElement;
    const blank = !node.data.trim();
    const b = blank ? null : part(node, 0, node.length).getBoundingClientRect();
    if (b && b.width === 0 && b.height === 0) continue;
    const block = blockOf(e);
    if (run?.block !== block) {
      if (blank) continue;
      run = { block, nodes: [] };
      runs.push(run);
    }
    const near = blank || (b.bottom > 0 && b.top < height && b.right > 0 && b.left < width);
    if (near) run.nodes.push(node);
    else run.nodes.push(null);
  }

  const words = (nodes) => {
    const out = [];
    let open = null;
    const close = () => { if (open) out.push(open); open = null; };
    for (const node of nodes) {
      if (!node) { close(); continue; }
      for (const m of node.data.matchAll(/\s+|\S+/g)) {
        if (!m[0].trim()) { close(); continue; }
        for (const piece of pieces(node, m.index, m.index + m[0].length)) {
          const size = Number(styleOf(piece.e).fontSize.slice(0, -2));
          const gap = open ? piece.box.left - open.box.right : 0;
          if (open && level(open.box, piece.box) && gap > -0.3 * size && gap < 0.22 * size) {
            open = { text: open.text + piece.text, box: join(open.box, piece.box),
              parts: [...open.parts, piece] };
          } else {
            close();
            open = { text: piece.text, box: piece.box, parts: [piece] };
          }
        }
      }
    }
    close();
    return out;
  };

  const good = (word) => [...word.text].every((c) => allowed.has(c)) && word.parts.every((p) =>
    readable(p.e) && !p.e.closest('sup,sub,rt') && styleOf(p.e).visibility === 'visible'
    && !/^(super|sub)$/.test(styleOf(p.e).verticalAlign) && visible(p.box, p.e));
  // Accents that rise above the font's ascent, and tails below its descent, belong to the box.
  const pen = document.createElement('canvas').getContext('2d');
  const grow = (word) => {
    for (const { e, text } of word.parts) {
      const { fontStyle, fontWeight, fontSize, fontFamily } = styleOf(e);
      pen.font = `${fontStyle} ${fontWeight} ${fontSize} ${fontFamily}`;
      const m = pen.measureText(text);
      const up = m.actualBoundingBoxAscent - m.fontBoundingBoxAscent;
      const down = m.actualBoundingBoxDescent - m.fontBoundingBoxDescent;
      if (up > 0.5) word.box.top = Math.max(0, word.box.top - up);
      if (down > 0.5) word.box.bottom = Math.min(height, word.box.bottom + down);
    }
    return word;
  };
  const segments = [];
  const kept = [];
  for (const { block, nodes } of runs) {
    const lines = [];
    let line = null;
    for (const word of words(nodes)) {
      if (!good(word)) {
        for (const p of word.parts) {
          gone.add(new StaticRange({ startContainer: p.node, startOffset: p.from,
            endContainer: p.node, endOffset: p.to }));
        }
        line = null;
        continue;
      }
      const last = line?.[line.length - 1];
      if (!last || !level(last.box, word.box) || word.box.left < last.box.right - 2) {
        line = [];
        lines.push(line);
      }
      line.push(word);
      kept.push(word);
    }
    if (lines.length === 0) continue;
    const group = block.closest('table,ul,ol,dl,pre,.list,.cards,.menu,.bar,form,nav');
    segments.push({ group, lines });
  }
  kept.forEach(grow);
  CSS.highlights.set('gone', gone);
  return segments.map(({ group, lines }, i) => ({
    joined: i > 0 && group !== null && group === segments[i - 1].group,
    lines: lines.map((l) => l.map(({ text, box }) => [text, box.left, box.top, box.right,
      box.bottom])),
  }));
}
