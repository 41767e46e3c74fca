// Random text of the screenshots: words of real documents and generators of what they lack.
import { ALPHABET } from './screens-fonts.mjs';

// Small seeded generator (mulberry32).
export class Random {
  constructor(...parts) {
    let h = 2166136261;
    for (const c of parts.join('/')) h = Math.imul(h ^ c.codePointAt(0), 16777619);
    this.state = h >>> 0;
    for (let i = 0; i < 4; i++) this.next();
  }

  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  int(from, to) { return from + Math.floor(this.next() * (to - from + 1)); }
  float(from, to) { return from + this.next() * (to - from); }
  chance(p) { return this.next() < p; }
  pick(list) { return list[Math.floor(this.next() * list.length)]; }
  times(n, make) { return Array.from({ length: n }, (_, i) => make(i)); }
}

const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const DIGITS = '0123456789';
const PUNCTUATION = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~';
const LATIN = ALPHABET.filter((c) => c >= 'À' && c <= 'ſ' && c !== '×' && c !== '÷');
const SIGNS = ALPHABET.filter((c) => c > '~' && !(c >= 'À' && c <= 'ſ' && c !== '×' && c !== '÷'));
const CURRENCIES = ['$', '€', '£', '¥', '₹', '₽', '₩', '₺', '₴', '₫', '₱', '₿', '¢', 'Kč', 'zł',
  'kr', 'CHF', 'USD', 'EUR', 'lei', 'Ft', 'R$', 'A$', 'ƒ'];
const CODE = ['if', 'else', 'for', 'while', 'return', 'let', 'const', 'fn', 'pub', 'struct', 'impl',
  'def', 'class', 'import', 'from', 'self', 'None', 'True', 'null', 'int', 'void', 'char', 'static',
  'match', 'use', 'async', 'await', 'echo', 'export', 'SELECT', 'FROM', 'WHERE', 'printf'];

export class Text {
  // sentences: arrays of words of real documents; chars: those allowed.
  constructor(random, sentences) {
    this.r = random;
    this.sentences = sentences;
  }

  chars(set, n) { return this.r.times(n, () => this.r.pick([...set])).join(''); }
  digits(n) { return this.chars(DIGITS, n); }
  hex(n) { return this.chars('0123456789abcdef', n); }

  word() { return this.r.pick(this.r.pick(this.sentences)); }
  plain() {
    for (let i = 0; i < 20; i++) {
      const word = this.word().replace(/[^\p{L}]/gu, '');
      if (word.length > 2) return word;
    }
    return this.chars(LOWER, 6);
  }

  capital(word) { return word.charAt(0).toUpperCase() + word.slice(1); }
  name() { return `${this.capital(this.plain())} ${this.capital(this.plain())}`; }

  number() {
    const { r } = this;
    const n = r.int(0, 10 ** r.int(1, 9));
    const group = (sep) => String(n).replace(/\B(?=(\d{3})+$)/g, sep);
    return r.pick([() => String(n), () => group(','), () => group('.'), () => group('’'),
      () => `${group(',')}.${this.digits(2)}`, () => `${group('.')},${this.digits(2)}`,
      () => `${r.pick(['-', '−', '+', '±', '~', '≈'])}${n}`,
      () => `${r.int(0, 999)}.${this.digits(3)}`,
      () => `${r.int(0, 100)}%`, () => `${r.float(0, 100).toFixed(1)} %`, () => `${n}°`,
      () => `${r.int(-30, 45)} °C`, () => `${r.int(1, 99)}×${r.int(1, 99)}`, () => `${n} m²`,
      () => `${r.int(1, 9)}½`, () => `${r.int(2, 9)}¼`, () => `1e-${r.int(1, 12)}`,
      () => `0x${this.hex(r.int(2, 8))}`, () => `#${r.int(1, 9999)}`, () => `(${n})`,
      () => `${r.int(1, 900)} ${r.pick(['kB', 'MB', 'GiB', 'km', 'kg', 'µs', 'ms', 'W',
        'dB'])}`])();
  }

  price() {
    const { r } = this;
    const sign = r.pick(CURRENCIES);
    const amount = `${r.int(0, 10 ** r.int(1, 5))}`.replace(/\B(?=(\d{3})+$)/g,
      r.pick([',', '.', '']));
    const sep = amount.includes('.') ? ',' : r.pick(['.', '.', ',']);
    const value = r.chance(0.8) && !amount.includes(sep) ? amount + sep + this.digits(2) : amount;
    return r.chance(0.5) && sign.length === 1 ? `${sign}${value}` : `${value} ${sign}`;
  }

  date() {
    const { r } = this;
    const [d, m, y] = [r.int(1, 28), r.int(1, 12), r.int(1970, 2039)];
    const two = (v) => String(v).padStart(2, '0');
    const month = r.pick(['Jan', 'February', 'März', 'avril', 'Mai', 'Juni', 'julho', 'août',
      'Sept.', 'październik', 'listopad', 'Dec', 'Oct']);
    return r.pick([`${y}-${two(m)}-${two(d)}`, `${two(d)}.${two(m)}.${y}`, `${m}/${d}/${y}`,
      `${d} ${month} ${y}`, `${month} ${d}, ${y}`, `${two(d)}/${two(m)}/${String(y).slice(2)}`,
      `${y}-${two(m)}-${two(d)}T${two(r.int(0, 23))}:${two(r.int(0, 59))}:${two(r.int(0, 59))}Z`]);
  }

  time() {
    const { r } = this;
    const two = (v) => String(v).padStart(2, '0');
    const [h, m, s] = [r.int(0, 23), two(r.int(0, 59)), two(r.int(0, 59))];
    return r.pick([`${two(h)}:${m}`, `${two(h)}:${m}:${s}`,
      `${(h % 12) + 1}:${m} ${r.pick(['AM', 'PM'])}`, `${h}h${m}`, `${h}.${m} Uhr`,
      `${two(h)}:${m}–${two((h + 1) % 24)}:${m}`]);
  }

  phone() {
    const { r } = this;
    return r.pick([`+${r.int(1, 99)} ${this.digits(3)} ${this.digits(3)} ${this.digits(4)}`,
      `(${this.digits(3)}) ${this.digits(3)}-${this.digits(4)}`,
      `0${this.digits(3)}/${this.digits(7)}`, `${this.digits(3)}-${this.digits(4)}`,
      `+${r.int(1, 99)}-${this.digits(9)}`]);
  }

  ident() {
    const { r } = this;
    const words = r.times(r.int(1, 3), () => this.plain().normalize('NFD').replace(/[^a-z]/gi, '')
      .toLowerCase() || 'x');
    return r.pick([words.join('_'), words.map((w) => this.capital(w)).join(''), words.join('-'),
      words.join('_').toUpperCase(), words[0] + words.slice(1).map((w) => this.capital(w)).join(''),
      words.join('.') + r.int(0, 9)]);
  }

  host() { return `${this.ident().toLowerCase().replace(/[_.]/g, '-')}.${this.r.pick(['com', 'org',
    'net', 'de', 'fr', 'io', 'co.uk', 'eu', 'pl', 'example', 'dev'])}`; }

  url() {
    const { r } = this;
    const path = r.times(r.int(0, 3), () => this.ident()).join('/');
    return `${r.pick(['https://', 'http://', 'https://www.', 'www.', 'ftp://'])}${this.host()}`
      + `${path ? `/${path}` : ''}`
      + `${r.chance(0.3) ? `?${this.ident()}=${this.hex(r.int(1, 8))}` : ''}`
      + `${r.chance(0.2) ? `#${this.ident()}` : ''}`;
  }

  path() {
    const { r } = this;
    const parts = r.times(r.int(1, 4), () => this.ident());
    const file = `${this.ident()}.${r.pick(['rs', 'py', 'txt', 'tar.gz', 'json', 'toml',
      'png', 'conf'])}`;
    return r.pick([() => `/${[...parts, file].join('/')}`,
      () => `C:\\${[...parts, file].join('\\')}`,
      () => `~/${parts.join('/')}/`, () => `./${file}`,
      () => `../${parts[0]}/${file}:${r.int(1, 999)}`])();
  }

  // One piece that no dictionary has.
  odd() {
    const { r } = this;
    return r.pick([() => this.number(), () => this.price(), () => this.date(), () => this.time(),
      () => this.phone(), () => this.ident(), () => this.url(), () => this.path(),
      () => `${this.ident()}@${this.host()}`, () => this.hex(r.pick([7, 8, 12, 32, 40])),
      () => [8, 4, 4, 4, 12].map((n) => this.hex(n)).join('-'), () => this.version(),
      () => this.mixed(), () => this.latin(), () => this.latin(), () => this.symbols(),
      () => this.code()])();
  }

  version() {
    const { r } = this;
    return `${r.pick(['', 'v', ''])}${r.int(0, 30)}.${r.int(0, 40)}.${r.int(0, 99)}`
      + r.pick(['', '', `-rc.${r.int(1, 9)}`, `+dfsg-${r.int(1, 9)}`, `~beta${r.int(1, 5)}`]);
  }

  mixed() {
    const set = this.r.pick([LOWER + LOWER.toUpperCase() + DIGITS, LOWER.toUpperCase() + DIGITS,
      LOWER + LOWER.toUpperCase(), LOWER + LOWER.toUpperCase() + DIGITS + PUNCTUATION,
      DIGITS + PUNCTUATION]);
    return this.chars(set, this.r.int(1, 14));
  }

  // A word of accented letters, each of the alphabet as likely as any other.
  latin() {
    const { r } = this;
    const upper = r.chance(0.25);
    const word = r.times(r.int(2, 10), () => (r.chance(0.45) ? r.pick(LATIN) : r.pick([...LOWER])));
    const cased = word.map((c, i) => {
      const other = upper ? c.toUpperCase() : i === 0 ? c : c.toLowerCase();
      return [...other].length === 1 && ALPHABET.includes(other) ? other : c;
    });
    return (r.chance(0.8) ? cased : word).join('');
  }

  symbols() {
    const { r } = this;
    const sign = r.pick(SIGNS);
    return r.pick([sign, sign, `${this.plain()}${sign}`, `${sign}${this.number()}`,
      `“${this.plain()}”`, `‘${this.plain()}’`, `„${this.plain()}“`, `«${this.plain()}»`,
      `‹${this.plain()}›`, `${this.plain()}…`, `${this.plain()}—${this.plain()}`,
      `§ ${r.int(1, 99)}`, `©${r.int(1980, 2030)}`, `${this.capital(this.plain())}®`,
      `${this.plain()}™`, 'x²', 'm³',
      `${r.int(1, 9)}–${r.int(10, 99)}`, `${this.plain()}’s`, `[${r.int(1, 99)}]`,
      `№ ${r.int(1, 99)}`, `→ ${this.plain()}`, `✓ ${this.plain()}`, `• ${this.plain()}`]);
  }

  code() {
    const { r } = this;
    const [a, b] = [this.ident(), this.ident()];
    const op = r.pick(['==', '!=', '<=', '>=', '&&', '||', '+=', '->', '=>', '::', '<<', '>>',
      ':=', '**', '%', '^', '|', '&', '~', '?', '//', '...', '..=', '-=', '|>', '<-', '===', '??']);
    return r.pick([`${a}(${b});`, `${a}[${r.int(0, 99)}]`, `${a} ${op} ${b}`, `{${a}: '${b}'}`,
      `$${a}`, `\${${a}}`, `"${a}\\n"`, `<${a} ${b}="${r.int(0, 9)}">`, `</${a}>`,
      `#include <${a}.h>`, `--${a.toLowerCase()}=${b}`, `@${a}`, `&${a};`, `*${a}++`, `!${a}`,
      `\`${a}\``,
      `${a}::<${b}>()`, `/* ${a} */`, `// ${this.words(r.int(2, 6))}`,
      `# ${this.words(r.int(2, 5))}`, `^[${a}]+$`,
      `${r.pick(CODE)} ${a} ${op} ${b}:`, `${r.pick(CODE)} (${a} ${op} ${r.int(0, 99)}) {`,
      '}', '});', `${a} = "${this.words(2)}";`, `${r.pick(CODE)} ${a};`]);
  }

  words(n) {
    const out = [];
    while (out.length < n) {
      const s = this.r.pick(this.sentences);
      const at = this.r.int(0, Math.max(0, s.length - n));
      out.push(...s.slice(at, at + n - out.length));
    }
    return out.join(' ');
  }

  // A line of running text with some odd pieces; now and then in capitals.
  line(n, odd = 0.12) {
    const parts = [];
    while (parts.length < n) {
      if (this.r.chance(odd)) parts.push(this.odd());
      else parts.push(...this.words(Math.min(n - parts.length, this.r.int(1, 6))).split(' '));
    }
    const text = parts.join(' ');
    const upper = text.toUpperCase();
    return this.r.chance(0.07) && [...upper].every((c) => c === ' ' || ALPHABET.includes(c)) ? upper
      : text;
  }

  title(n) {
    const text = this.words(n);
    return this.r.chance(0.25) ? this.line(n, 0.2) : this.capital(text);
  }
}
