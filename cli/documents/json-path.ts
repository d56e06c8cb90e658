/**
 * kubectl's dialect of JSONPath: text with `{…}` in it, paths with `..`, `*`, `[a,b]`, `['a.b']`, slices, filters
 * `?(@.x=="y")`, and `range` … `end`.
 */
import { isObject } from '#api/resources/json.ts';
import { UsageError } from '../arguments.ts';
import { keysInOrder, toJson } from './go-text.ts';
import { type Expression, type PathNode, parseTemplate, type Step } from './json-path-parse.ts';

interface Options {
  /** Whether a field that is not there is no error but nothing. */
  readonly allowMissing: boolean;
}

/** `.metadata.name`, `metadata.name` and `{.metadata.name}` are the same as `{.metadata.name}` for columns and sorting. */
export function relaxed(text: string): string {
  const match = /^\{?\.?([^{}]+)\}?$/.exec(text.trim());
  if (match === null) {
    throw new UsageError(
      `unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'`,
    );
  }
  return `{.${match[1]}}`;
}

/** Go's formatting of numbers, texts and `nil`; objects and lists as JSON. */
function shown(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'object') return toJson(value, 0);
  return String(value);
}

function sliced(items: readonly unknown[], step: Extract<Step, { type: 'array' }>): unknown[] {
  const { from, to, by } = step;
  const length = items.length;
  let start = from ?? 0;
  if (start < 0) start += length;
  let end = to ?? length;
  if (to !== undefined && (end < 0 || (end === 0 && step.isIndex && (from ?? 0) < 0)))
    end += length;
  if (step.isIndex && (start >= length || start < 0)) {
    throw new UsageError(`array index out of bounds: index ${from}, length ${length}`);
  }
  const found: unknown[] = [];
  for (let i = Math.max(start, 0); i < Math.min(end, length); i += by) found.push(items[i]);
  return found;
}

const valuesOf = (value: unknown): unknown[] => {
  if (Array.isArray(value)) return value;
  return isObject(value) ? keysInOrder(value).map((key) => value[key]) : [];
};

export class JsonPath {
  readonly #nodes: readonly PathNode[];
  readonly #options: Options;

  /** @throws UsageError that says what is wrong with the template */
  constructor(text: string, options: Options) {
    this.#nodes = parseTemplate(text);
    this.#options = options;
  }

  static shown = shown;

  /** What each `{…}` finds. */
  find(object: unknown): unknown[][] {
    const all: unknown[][] = [];
    this.#run(this.#nodes, object, object, (values) => all.push([...values]));
    return all;
  }

  /** The template with what is found in it: several values with a space between them. */
  text(object: unknown): string {
    let out = '';
    this.#run(this.#nodes, object, object, (values) => {
      out += values.map(shown).join(' ');
    });
    return out;
  }

  #run(
    nodes: readonly PathNode[],
    root: unknown,
    at: unknown,
    found: (values: readonly unknown[]) => void,
  ): void {
    for (const node of nodes) {
      if (node.type === 'text') found([node.text]);
      else if (node.type === 'range') {
        for (const one of this.#values(node.over, root, at)) this.#run(node.body, root, one, found);
      } else found(this.#values(node.expression, root, at));
    }
  }

  #values(expression: Expression, root: unknown, at: unknown): unknown[] {
    if (expression.type === 'literal') return [expression.value];
    const start = expression.isRoot ? root : at;
    return expression.steps.reduce<unknown[]>(
      (values, step) => this.#step(step, values, root),
      [start],
    );
  }

  #step(step: Step, values: readonly unknown[], root: unknown): unknown[] {
    switch (step.type) {
      case 'field':
        return values.flatMap((value) => this.#field(step.name, value));
      case 'wildcard':
        return values.flatMap(valuesOf);
      case 'array':
        return values.flatMap((value) => this.#array(step, value));
      case 'union':
        return step.parts.flatMap((part) =>
          part.reduce((all, one) => this.#step(one, all, root), [...values]),
        );
      case 'recursive':
        return this.#recursive(step.next, values, root);
      case 'filter':
        return values.flatMap((value) =>
          valuesOf(value).filter((item) => this.#passes(step, item, root)),
        );
    }
  }

  #field(name: string, value: unknown): unknown[] {
    if (isObject(value) && Object.hasOwn(value, name)) return [value[name]];
    if (this.#options.allowMissing || value === null) return [];
    throw new UsageError(`${name} is not found`);
  }

  #array(step: Extract<Step, { type: 'array' }>, value: unknown): unknown[] {
    if (value === null) return [];
    if (Array.isArray(value)) return sliced(value, step);
    throw new UsageError(`${shown(value)} is not array or slice`);
  }

  /** The step in the value and in all below it; where it finds nothing there is no error. */
  #recursive(next: Step | undefined, values: readonly unknown[], root: unknown): unknown[] {
    const all: unknown[] = [];
    const walk = (value: unknown): void => {
      all.push(value);
      for (const child of valuesOf(value)) walk(child);
    };
    for (const value of values) walk(value);
    if (next === undefined) return all.slice(values.length);
    return all.flatMap((value) => {
      if (next.type === 'field' && !(isObject(value) && Object.hasOwn(value, next.name))) return [];
      if (next.type === 'array' && !Array.isArray(value)) return [];
      return this.#step(next, [value], root);
    });
  }

  #passes(
    { left, operator, right }: Extract<Step, { type: 'filter' }>,
    item: unknown,
    root: unknown,
  ): boolean {
    const lenient = new JsonPath('', { allowMissing: true });
    const first = lenient.#values(left, root, item);
    if (operator === undefined || right === undefined) return first.length > 0;
    const second = lenient.#values(right, root, item);
    if (first.length === 0 || second.length === 0) return false;
    return compare(first[0], second[0], operator);
  }
}

function compare(a: unknown, b: unknown, operator: string): boolean {
  const comparable =
    (typeof a === 'number' && typeof b === 'number') ||
    (typeof a === 'string' && typeof b === 'string');
  if (operator === '==') return a === b;
  if (operator === '!=') return a !== b;
  if (!comparable)
    throw new UsageError(`unsupported comparison of ${shown(a)} ${operator} ${shown(b)}`);
  const [x, y] = [a as string, b as string];
  if (operator === '<') return x < y;
  if (operator === '>') return x > y;
  return operator === '<=' ? x <= y : x >= y;
}
