/** The grammar of kubectl's JSONPath templates. */
import { UsageError } from '../arguments.ts';

export type Step =
  | { readonly type: 'field'; readonly name: string }
  | { readonly type: 'wildcard' }
  | { readonly type: 'recursive'; readonly next: Step | undefined }
  | {
      readonly type: 'array';
      readonly from: number | undefined;
      readonly to: number | undefined;
      readonly by: number;
      /** `[3]`: an index that is not there is an error. */
      readonly isIndex: boolean;
    }
  | { readonly type: 'union'; readonly parts: readonly (readonly Step[])[] }
  | {
      readonly type: 'filter';
      readonly left: Expression;
      readonly operator: string | undefined;
      readonly right: Expression | undefined;
    };

export type Expression =
  | { readonly type: 'literal'; readonly value: unknown }
  | { readonly type: 'path'; readonly isRoot: boolean; readonly steps: readonly Step[] };

export type PathNode =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'value'; readonly expression: Expression }
  | { readonly type: 'range'; readonly over: Expression; readonly body: readonly PathNode[] };

const bad = (why: string, text: string): UsageError =>
  new UsageError(`error parsing jsonpath ${text}, ${why}`);

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0' };

/** The text of a quoted literal. */
const unquoted = (text: string): string =>
  text.slice(1, -1).replaceAll(/\\(.)/gs, (_, char: string) => escapes[char] ?? char);

/** The place after the bracket that closes the one at `from`; quotes hide brackets. */
function closing(text: string, from: number, pair: string, whole: string): number {
  const [open, close] = pair;
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const char = text[at];
    if (char === '\\') at += 1;
    else if (char === '"' || char === "'") {
      const end = quoteEnd(text, at);
      if (end < 0) throw bad('unterminated quoted string', whole);
      at = end - 1;
    } else if (char === open) depth += 1;
    else if (char === close) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  throw bad(
    pair === '[]'
      ? 'unterminated array'
      : pair === '()'
        ? 'unterminated filter'
        : 'unclosed action',
    whole,
  );
}

function quoteEnd(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === text[from]) return at + 1;
  }
  return -1;
}

class PathParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  path(): Expression {
    const isRoot = this.#text[0] === '$';
    if (isRoot || this.#text[0] === '@') this.#at = 1;
    const steps: Step[] = [];
    while (this.#at < this.#text.length) steps.push(this.#step());
    return { type: 'path', isRoot, steps };
  }

  #step(): Step {
    const rest = this.#text.slice(this.#at);
    if (rest.startsWith('..')) {
      this.#at += 2;
      const isMore = this.#at < this.#text.length;
      return { type: 'recursive', next: isMore ? this.#named() : undefined };
    }
    if (rest.startsWith('.')) this.#at += 1;
    return this.#named();
  }

  #named(): Step {
    const rest = this.#text.slice(this.#at);
    if (rest.startsWith('[')) {
      const end = closing(this.#text, this.#at, '[]', this.#text);
      const inner = this.#text.slice(this.#at + 1, end - 1);
      this.#at = end;
      return bracketed(inner, this.#text);
    }
    if (rest.startsWith('*')) {
      this.#at += 1;
      return { type: 'wildcard' };
    }
    const name = /^(?:\\.|[^\s.[\]()?@$<>=!|{}"'\\])+/.exec(rest)?.[0];
    if (name === undefined) throw bad(`unrecognized character in action: ${rest[0]}`, this.#text);
    this.#at += name.length;
    return { type: 'field', name: name.replaceAll(/\\(.)/g, '$1') };
  }
}

/** Pieces between commas that stand in no quotes, brackets or filters. */
function pieces(text: string): string[] {
  return text.match(/(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\([^()]*\)|[^,])+/g) ?? [];
}

function bracketed(inner: string, whole: string): Step {
  const text = inner.trim();
  if (text.startsWith('?')) return filterOf(text, whole);
  const parts = pieces(text);
  if (parts.length > 1) {
    const each = parts.map((part) => {
      const one = part.trim();
      return isPlainIndex(one) ? [bracketed(one, whole)] : pathSteps(one, whole);
    });
    return { type: 'union', parts: each };
  }
  if (text === '*') return { type: 'wildcard' };
  if (/^(["']).*\1$/s.test(text)) return { type: 'field', name: unquoted(text) };
  if (isPlainIndex(text)) return arrayOf(text, whole);
  throw bad(`invalid array index ${text}`, whole);
}

const isPlainIndex = (text: string): boolean =>
  /^(-?\d+)?(:(-?\d+)?){0,2}$/.test(text) && text !== '';

const pathSteps = (text: string, whole: string): readonly Step[] => {
  if (/^(["']).*\1$/s.test(text)) return [{ type: 'field', name: unquoted(text) }];
  const expression = expressionOf(text, whole);
  return expression.type === 'path' ? expression.steps : [];
};

function arrayOf(text: string, whole: string): Step {
  const numbers = text.split(':').map((part) => (part === '' ? undefined : Number(part)));
  const [from, to, by] = numbers;
  if (numbers.length === 1) {
    return { type: 'array', from, to: (from ?? 0) + 1, by: 1, isIndex: true };
  }
  if (by !== undefined && by <= 0) throw bad(`step must be > 0`, whole);
  return { type: 'array', from, to, by: by ?? 1, isIndex: false };
}

function filterOf(text: string, whole: string): Step {
  const match = /^\?\(([\s\S]*)\)$/.exec(text);
  if (match === null) throw bad('unterminated filter', whole);
  const inner = match[1] ?? '';
  const parts = inner.match(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[<>=!]=|[<>]|[^<>=!"']+/g) ?? [];
  const at = parts.findIndex((part) => /^([<>=!]=|[<>])$/.test(part));
  const left = expressionOf((at < 0 ? inner : parts.slice(0, at).join('')).trim(), whole);
  if (at < 0) return { type: 'filter', left, operator: undefined, right: undefined };
  const right = expressionOf(
    parts
      .slice(at + 1)
      .join('')
      .trim(),
    whole,
  );
  return { type: 'filter', left, operator: parts[at], right };
}

function expressionOf(text: string, whole: string): Expression {
  if (/^(["'])[\s\S]*\1$/.test(text)) return { type: 'literal', value: unquoted(text) };
  if (/^[-+]?\d+(\.\d+)?$/.test(text)) return { type: 'literal', value: Number(text) };
  if (text === 'true' || text === 'false') return { type: 'literal', value: text === 'true' };
  if (/^[A-Za-z]+$/.test(text)) throw bad(`unrecognized identifier ${text}`, whole);
  return new PathParser(text).path();
}

/** Nodes up to an `end`, and where they end. */
function nodesOf(
  text: string,
  from: number,
  isInRange: boolean,
): { nodes: PathNode[]; at: number } {
  const nodes: PathNode[] = [];
  let at = from;
  while (at < text.length) {
    const open = text.indexOf('{', at);
    if (open < 0) break;
    if (open > at) nodes.push({ type: 'text', text: text.slice(at, open) });
    at = closing(text, open, '{}', text);
    const action = text.slice(open + 1, at - 1).trim();
    if (action === 'end') {
      if (!isInRange) throw bad('not in range, nothing to end', text);
      return { nodes, at };
    }
    const range = /^range\s+([\s\S]+)$/.exec(action);
    if (range === null) {
      nodes.push({ type: 'value', expression: expressionOf(action, text) });
      continue;
    }
    const { nodes: body, at: after } = nodesOf(text, at, true);
    nodes.push({ type: 'range', over: expressionOf(range[1] ?? '', text), body });
    at = after;
  }
  if (isInRange) throw bad('unterminated range', text);
  if (at < text.length) nodes.push({ type: 'text', text: text.slice(at) });
  return { nodes, at: text.length };
}

/** @throws UsageError that says what is wrong */
export const parseTemplate = (text: string): readonly PathNode[] => nodesOf(text, 0, false).nodes;
