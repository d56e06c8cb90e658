/**
 * Regular expressions that users write into definitions. They mean RE2, whose time grows with the length of the text and
 * nothing else; a backtracking engine can be made to run for years. V8 has a linear engine, too, and turns to it after so
 * many steps back (`--enable-experimental-regexp-engine-on-excessive-backtracks`), if the expression has nothing but what
 * that engine knows: so counted repetitions are written out, and what RE2 does not have is refused.
 */
import { setFlagsFromString } from 'node:v8';

/** Steps back before the linear engine takes over: some tenths of a millisecond. */
const backtracksMax = 10_000;
/** RE2's own limit of a counted repetition, and of what an expression may become. */
const repetitionsMax = 1000;
const writtenOutMax = 20_000;

let guarded = false;

/** Concerns expressions that are made from now on: no other in this process is changed. */
function guard(): void {
  if (guarded) return;
  guarded = true;
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
  setFlagsFromString(`--regexp-backtracks-before-fallback=${backtracksMax}`);
}

/** Throws a SyntaxError if the pattern is no regular expression of RE2. */
export function compilePattern(pattern: string): RegExp {
  guard();
  const unsupported = /\(\?(?:[=!]|<[=!])/.exec(pattern) ?? /(?<!\\)(?:\\\\)*\\[1-9]/.exec(pattern);
  if (unsupported !== null) {
    const text = unsupported[0];
    throw new SyntaxError(`error parsing regexp: invalid or unsupported Perl syntax: \`${text}\``);
  }
  const flags = /^\(\?([ims]+)\)/.exec(pattern);
  const body = (flags === null ? pattern : pattern.slice(flags[0].length))
    .replace(/\\A/g, '^')
    .replace(/\\z/g, '$')
    // Names of groups are of no use here, and would come twice.
    .replace(/\(\?P?<\w+>/g, '(?:');
  const given = flags?.[1] ?? '';
  // Without a need the `u` flag only takes the linear engine away.
  const unicode = /\\[pPu]|[^\0-\x7f]/.test(body) ? 'u' : '';
  return new RegExp(writtenOut(body), `${unicode}${given}`);
}

const counted = /^\{(\d+)(?:,(\d*))?\}\??/;

/** `a{1,3}` -> `a(?:a(?:a)?)?`: the same language in what the linear engine knows. */
function writtenOut(body: string): string {
  let text = '';
  /** Where the last whole atom of `text` starts; -1: nothing that could be repeated. */
  let atom = -1;
  const open: number[] = [];
  for (let at = 0; at < body.length; ) {
    const repetition = counted.exec(body.slice(at, at + 16));
    if (repetition !== null && atom >= 0) {
      const repeated = repeat(text.slice(atom), repetition);
      if (repeated === undefined || text.length + repeated.length > writtenOutMax) return body;
      text = text.slice(0, atom) + repeated;
      at += repetition[0].length;
      continue;
    }
    const size = sizeOfToken(body, at);
    const token = literalBracket(body.slice(at, at + size));
    if (token === '(') open.push(text.length);
    if (token === ')') atom = open.pop() ?? -1;
    else if (!/^[*+?]/.test(token)) atom = /^[(|^$]/.test(token) ? -1 : text.length;
    text += token;
    at += size;
  }
  return text;
}

const withoutCapture = (atom: string): string => atom.replace(/^\((?!\?)/, '(?:');

/** `[]a]` and `[^]a]` have the bracket in them; to JavaScript they would be empty. */
const literalBracket = (token: string): string => token.replace(/^(\[\^?)\]/, '$1\\]');

function repeat(atom: string, [, least = '0', most]: RegExpExecArray): string | undefined {
  const from = Number(least);
  const to = most === undefined ? from : most === '' ? Number.POSITIVE_INFINITY : Number(most);
  if (from > repetitionsMax || (to !== Number.POSITIVE_INFINITY && to > repetitionsMax)) {
    throw new SyntaxError(
      `error parsing regexp: invalid repeat count: \`{${least},${most ?? ''}}\``,
    );
  }
  const one = withoutCapture(atom);
  if (one.length * Math.min(to, repetitionsMax) > writtenOutMax) return undefined;
  const must = one.repeat(from);
  if (to === Number.POSITIVE_INFINITY) return `(?:${must}${one}*)`;
  const may = '(?:'.concat(one).repeat(to - from) + ')?'.repeat(to - from);
  return `(?:${must}${may})`;
}

/** An escape, a class or one character. */
function sizeOfToken(body: string, at: number): number {
  if (body[at] === '\\') {
    return (
      /^\\(?:[pP]\{[^}]*\}|x\{[^}]*\}|x..|u\{[^}]*\}|u....|.)/s.exec(body.slice(at, at + 40))?.[0]
        .length ?? 1
    );
  }
  if (body[at] !== '[') return 1;
  let end = at + 1;
  if (body[end] === '^') end += 1;
  if (body[end] === ']') end += 1;
  while (end < body.length && body[end] !== ']') end += body[end] === '\\' ? 2 : 1;
  return end - at + 1;
}
