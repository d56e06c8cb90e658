/**
 * YAML as kubectl, a Go program, writes it: the styles of scalars, the folding of long lines and the order of keys are
 * those of Go's YAML library (a port of libyaml's emitter), so that what is written by either compares line by line.
 */
import { isObject } from '#api/resources/json.ts';

/** A line that is longer than this is folded at the next space. */
const bestWidth = 80;

/** Text that YAML 1.1 or 1.2 would read as something else than text. */
function isResolved(text: string): boolean {
  if (text === '') return true;
  if (/^(~|null|y|yes|on|n|no|off|true|false)$/i.test(text)) return hasOneCase(text);
  if (/^[-+]?\.inf$|^\.nan$/i.test(text)) return hasOneCase(text.replace(/^[-+]?\./, ''));
  const plain = text.replaceAll('_', '');
  if (/^[-+]?(0[xX][\da-fA-F]+|0b[01]+|0o[0-7]+|\d+)$/.test(plain)) return true;
  if (/^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/.test(plain)) return true;
  if (/^\d{4}-\d{1,2}-\d{1,2}([Tt ]\d{1,2}:\d{1,2}:\d{1,2}.*)?$/.test(text)) return true;
  return /^[-+]?[1-9][\d_]*(:[0-5]?\d)+(\.\d*)?$/.test(text);
}

/** `true`, `True`, `TRUE`; not `tRue`. */
const hasOneCase = (text: string): boolean =>
  text === text.toLowerCase() ||
  text === text.toUpperCase() ||
  text === text.charAt(0).toUpperCase() + text.slice(1).toLowerCase();

const isPrintable = (char: string): boolean =>
  /^[\n\x20-\x7e\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd]$/.test(char);

type Style = 'plain' | 'single' | 'double' | 'literal';

/** libyaml's analysis of a scalar, as far as it decides between the styles of block context. */
function styleOf(text: string): Style {
  const isSpecial = ![...text].every(isPrintable);
  const hasBreak = text.includes('\n');
  if (hasBreak) return isSpecial || / (\n|$)/.test(text) ? 'double' : 'literal';
  if (isSpecial) return 'double';
  if (isResolved(text)) return 'double';
  return isPlain(text) ? 'plain' : 'single';
}

function isPlain(text: string): boolean {
  if (/^[#,[\]{}&*!|>'"%@`]/.test(text) || /^[-?:](\s|$)/.test(text)) return false;
  if (/^ | $/.test(text) || /^(---|\.\.\.)/.test(text)) return false;
  return !/: |:$| #/.test(text);
}

const namedEscapes: Readonly<Record<string, string>> = {
  '\0': '\\0',
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\x1b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
  '\x85': '\\N',
  '\u2028': '\\L',
  '\u2029': '\\P',
};

function escaped(char: string): string {
  const named = namedEscapes[char];
  if (named !== undefined) return named;
  if (isPrintable(char)) return char;
  const code = char.codePointAt(0) ?? 0;
  const hex = code.toString(16).toUpperCase();
  if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

interface Folding {
  /** Where the text begins on its line. */
  readonly column: number;
  /** What a line that goes on begins with. */
  readonly indent: string;
  readonly each: (char: string) => string;
  readonly isQuoted: boolean;
  /** Before a space that begins a line. */
  readonly spaceMark: string;
}

/** Breaks at a single space beyond the width. */
function folded(text: string, { column, indent, each, isQuoted, spaceMark }: Folding): string {
  const chars = [...text];
  let at = column;
  let out = '';
  let wasSpace = false;
  chars.forEach((char, i) => {
    const isInside = !isQuoted || (i > 0 && i < chars.length - 1);
    const mayBreak = spaceMark !== '' || chars[i + 1] !== ' ';
    if (char === ' ' && !wasSpace && at > bestWidth && isInside && mayBreak) {
      out += `\n${indent}${chars[i + 1] === ' ' ? spaceMark : ''}`;
      at = indent.length;
    } else {
      const shown = each(char);
      out += shown;
      at += [...shown].length;
    }
    wasSpace = char === ' ';
  });
  return out;
}

function literal(text: string, indent: string): string {
  const lead = /^[ \n]/.test(text) ? '2' : '';
  const chomping = !text.endsWith('\n') ? '-' : text.endsWith('\n\n') || text === '\n' ? '+' : '';
  const lines = text.replace(/\n$/, '').split('\n');
  return `|${lead}${chomping}\n${lines.map((line) => (line === '' ? '' : `${indent}${line}`)).join('\n')}`;
}

/** A text that begins at `column`; what follows its first line stands at `indent`. */
function scalar(text: string, column: number, indent: string): string {
  const same = (char: string) => char;
  switch (styleOf(text)) {
    case 'literal':
      return literal(text, indent);
    case 'plain':
      return folded(text, { column, indent, each: same, isQuoted: false, spaceMark: '' });
    case 'single': {
      const each = (char: string) => (char === "'" ? "''" : char);
      return `'${folded(text, { column: column + 1, indent, each, isQuoted: true, spaceMark: '' })}'`;
    }
    case 'double':
      return `"${folded(text, { column: column + 1, indent, each: escaped, isQuoted: true, spaceMark: '\\' })}"`;
  }
}

/** Numbers in keys count as numbers; letters come after all else. */
function byKey(a: string, b: string): number {
  const [x, y] = [[...a], [...b]];
  for (let i = 0; i < Math.min(x.length, y.length); i += 1) {
    const [one = '', other = ''] = [x[i], y[i]];
    if (one === other) continue;
    const [isLetter, isOther] = [/\p{L}/u.test(one), /\p{L}/u.test(other)];
    if (isLetter && isOther) return one < other ? -1 : 1;
    if (isLetter || isOther) return isOther ? -1 : 1;
    const digits = (chars: string[]) => /^\d*/.exec(chars.slice(i).join(''))?.[0] ?? '';
    const [first, second] = [digits(x), digits(y)];
    const isInNumber = (one === '0' || other === '0') && /[1-9]\d*$/.test(x.slice(0, i).join(''));
    const lead = isInNumber ? '1' : '0';
    const difference = Number(lead + first) - Number(lead + second);
    if (difference !== 0) return difference;
    if (first.length !== second.length) return first.length - second.length;
    return one < other ? -1 : 1;
  }
  return x.length - y.length;
}

const isEmpty = (value: object): boolean => Object.keys(value).length === 0;

/** What follows `key:` or `-`, with its leading space or line break. */
function follower(value: unknown, column: number, level: number, isInList: boolean): string {
  const indent = '  '.repeat(level);
  if (Array.isArray(value)) {
    if (value.length === 0) return ' []\n';
    if (isInList) return ` ${list(value, level + 1).trimStart()}`;
    return `\n${list(value, level)}`;
  }
  if (isObject(value)) {
    if (isEmpty(value)) return ' {}\n';
    const below = map(value, level + 1);
    return isInList ? ` ${below.slice(indent.length + 2)}` : `\n${below}`;
  }
  if (typeof value === 'string') return ` ${scalar(value, column + 1, `${indent}  `)}\n`;
  return ` ${value === null || value === undefined ? 'null' : String(value)}\n`;
}

function list(items: readonly unknown[], level: number): string {
  const indent = '  '.repeat(level);
  return items
    .map((item) => `${indent}-${follower(item, indent.length + 1, level, true)}`)
    .join('');
}

function map(object: Readonly<Record<string, unknown>>, level: number): string {
  const indent = '  '.repeat(level);
  return Object.keys(object)
    .filter((key) => object[key] !== undefined)
    .sort(byKey)
    .map((key) => {
      const shown = styleOf(key) === 'literal' ? `? ${scalar(key, 0, '  ')}\n` : keyText(key);
      const lead = `${indent}${shown}:`;
      return `${lead}${follower(object[key], lead.length, level, false)}`;
    })
    .join('');
}

/** Keys are never folded. */
function keyText(key: string): string {
  const style = styleOf(key);
  if (style === 'plain') return key;
  if (style === 'single') return `'${key.replaceAll("'", "''")}'`;
  return `"${[...key].map(escaped).join('')}"`;
}

/** The object as YAML, with a newline at its end. */
export function toYaml(object: object): string {
  if (Array.isArray(object)) return object.length === 0 ? '[]\n' : list(object, 0);
  return isEmpty(object) ? '{}\n' : map(object as Record<string, unknown>, 0);
}
