/**
 * `--format` as docker's commands take it: a small part of Go's text/template. Fields (`.Names`, `.Config.Env`), `json`,
 * `len`, `upper`, `lower`, `join`, `index`, `println`, pipes, `if`, `else`, `range` and `end`.
 */
import { UsageError } from './arguments.ts';

type Node =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'value'; readonly expression: string }
  | {
      readonly type: 'if' | 'range';
      readonly expression: string;
      readonly then: readonly Node[];
      readonly otherwise: readonly Node[];
    };

class Reader {
  readonly #parts: readonly string[];
  #at = 0;

  constructor(template: string) {
    const plain = template.replaceAll(/\{\{-\s/g, '{{ ').replaceAll(/\s-\}\}/g, ' }}');
    this.#parts = plain.split(/(\{\{[\s\S]*?\}\})/);
    if (/\{\{(?![\s\S]*\}\})/.test(this.#parts.at(-1) ?? ''))
      throw bad(template, 'unclosed action');
  }

  /** Up to an `end` or `else`, which is given, too. */
  read(): { readonly nodes: Node[]; readonly stop: string | undefined } {
    const nodes: Node[] = [];
    while (this.#at < this.#parts.length) {
      const part = this.#parts[this.#at++] ?? '';
      if (!part.startsWith('{{')) {
        if (part !== '') nodes.push({ type: 'text', text: unescaped(part) });
        continue;
      }
      const action = part.slice(2, -2).trim();
      if (action === 'end' || action === 'else') return { nodes, stop: action };
      nodes.push(this.#action(action));
    }
    return { nodes, stop: undefined };
  }

  #action(action: string): Node {
    const block = /^(if|range)\s+(.+)$/s.exec(action);
    if (block === null) return { type: 'value', expression: action };
    const { nodes: then, stop } = this.read();
    const otherwise = stop === 'else' ? this.read() : { nodes: [], stop };
    if (otherwise.stop !== 'end') throw bad(action, 'unexpected EOF');
    const type = block[1] as 'if' | 'range';
    return { type, expression: block[2] ?? '', then, otherwise: otherwise.nodes };
  }
}

const unescaped = (text: string): string => text.replaceAll('\\t', '\t').replaceAll('\\n', '\n');

const bad = (where: string, why: string): UsageError =>
  new UsageError(`--format: template parsing error: ${why} in '${where}'`);

/** Words and quoted texts of an expression. */
const wordsOf = (text: string): string[] => text.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [];

function fieldOf(value: unknown, path: string): unknown {
  let at = value;
  for (const name of path.split('.').filter(Boolean)) {
    at = at instanceof Object && Object.hasOwn(at, name) ? (at as never)[name] : undefined;
  }
  return at;
}

function operand(word: string, dot: unknown): unknown {
  if (word === '.') return dot;
  if (word.startsWith('.')) return fieldOf(dot, word);
  if (word.startsWith('"')) return JSON.parse(word);
  if (/^-?\d+$/.test(word)) return Number(word);
  if (word === 'true' || word === 'false') return word === 'true';
  throw bad(word, `function "${word}" not defined`);
}

const shown = (value: unknown): string => {
  if (value === undefined || value === null) return '<no value>';
  if (Array.isArray(value)) return `[${value.map(shown).join(' ')}]`;
  if (typeof value !== 'object') return String(value);
  const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${pairs.map(([key, one]) => `${key}:${shown(one)}`).join(' ')}]`;
};

const functions: Readonly<Record<string, (...args: readonly unknown[]) => unknown>> = {
  json: (value) => JSON.stringify(value ?? null),
  len: (value) => (value instanceof Object ? Object.keys(value) : String(value ?? '')).length,
  upper: (value) => shown(value).toUpperCase(),
  lower: (value) => shown(value).toLowerCase(),
  title: (value) => shown(value).replace(/^./, (first) => first.toUpperCase()),
  join: (list, by) => (Array.isArray(list) ? list.map(shown).join(String(by)) : shown(list)),
  split: (text, by) => shown(text).split(String(by)),
  index: (value, ...keys) => keys.reduce((at, key) => (at as never)?.[key as never], value),
  println: (...values) => `${values.map(shown).join(' ')}\n`,
  not: (value) => !isTrue(value),
  eq: (a, ...others) => others.some((b) => a === b),
  ne: (a, b) => a !== b,
};

const isTrue = (value: unknown): boolean =>
  value instanceof Object ? Object.keys(value).length > 0 : Boolean(value);

function evaluate(expression: string, dot: unknown): unknown {
  let piped: readonly unknown[] = [];
  for (const stage of expression.split(/\s*\|\s*/)) {
    const [first = '', ...rest] = wordsOf(stage);
    const call = Object.hasOwn(functions, first) ? functions[first] : undefined;
    const args = [...rest.map((word) => operand(word, dot)), ...piped];
    if (call !== undefined) piped = [call(...args)];
    else if (rest.length === 0 && piped.length === 0) piped = [operand(first, dot)];
    else throw bad(stage, `function "${first}" not defined`);
  }
  return piped[0];
}

function render(nodes: readonly Node[], dot: unknown): string {
  return nodes.map((node) => renderOne(node, dot)).join('');
}

function renderOne(node: Node, dot: unknown): string {
  if (node.type === 'text') return node.text;
  const value = evaluate(node.expression, dot);
  if (node.type === 'value') return shown(value);
  if (node.type === 'if') return render(isTrue(value) ? node.then : node.otherwise, dot);
  const items = value instanceof Object ? Object.values(value) : [];
  if (items.length === 0) return render(node.otherwise, dot);
  return items.map((item) => render(node.then, item)).join('');
}

/** A template that is understood, as a function from an object to its text. @throws UsageError */
export function template(text: string): (value: unknown) => string {
  const { nodes, stop } = new Reader(text).read();
  if (stop !== undefined) throw bad(text, `unexpected {{${stop}}}`);
  return (value) => render(nodes, value);
}
