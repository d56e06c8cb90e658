/**
 * Where a value is in an object: the JSONPath of a CustomResourceDefinition's columns, scale paths and selectable
 * fields. The forms Kubernetes allows there: `.a.b`, `.a\.b`, `['a.b']`, `[0]`, `[*]`, `[?(@.type=="Ready")]`.
 */
import { isObject } from './json.ts';

type Step =
  | { readonly type: 'field'; readonly name: string }
  | { readonly type: 'index'; readonly index: number }
  | { readonly type: 'all' }
  | {
      readonly type: 'filter';
      readonly path: FieldsPath;
      readonly operator: string;
      readonly value: unknown;
    };

/** A parsed path; make it once, read many objects with it. */
export type FieldsPath = readonly Step[];

const STEP =
  /\.((?:\\[\s\S]|[^.[\]\\])+)|\[\s*'((?:\\[\s\S]|[^'\\])*)'\s*\]|\[\s*"((?:\\[\s\S]|[^"\\])*)"\s*\]|\[\s*(-?\d+|\*)\s*\]|\[\?\(((?:"[^"]*"|'[^']*'|[^)"'])*)\)\]/y;
const FILTER = /^\s*@([^=!<>\s]*)\s*(?:(==|!=|<=|>=|<|>)\s*(.*?)\s*)?$/;

const unescaped = (text: string): string => text.replace(/\\([\s\S])/g, '$1');

function literal(text: string): unknown {
  const quoted = /^(['"])(.*)\1$/.exec(text);
  if (quoted !== null) return quoted[2];
  if (text === 'true' || text === 'false') return text === 'true';
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

function filterStep(text: string): Step | undefined {
  const match = FILTER.exec(text);
  if (match === null) return undefined;
  const path = parsePath(match[1] ?? '');
  if (path === undefined) return undefined;
  const operator = match[2] ?? 'exists';
  return { type: 'filter', path, operator, value: literal(match[3] ?? '') };
}

function stepOf(match: RegExpExecArray): Step | undefined {
  const [, dotted, single, double, index, filter] = match;
  if (filter !== undefined) return filterStep(filter);
  if (index === '*' || dotted === '*') return { type: 'all' };
  if (index !== undefined) return { type: 'index', index: Number(index) };
  return { type: 'field', name: unescaped(dotted ?? single ?? double ?? '') };
}

/** Reads a path; `{.a.b}`, `.a.b` and `a.b` mean the same. Absent if it is not one of the allowed forms. */
export function parsePath(text: string): FieldsPath | undefined {
  const inner = text
    .trim()
    .replace(/^\{([\s\S]*)\}$/, '$1')
    .replace(/^\$/, '');
  const path = inner === '' || /^[.[]/.test(inner) ? inner : `.${inner}`;
  const steps: Step[] = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < path.length) {
    const match = STEP.exec(path);
    const step = match === null ? undefined : stepOf(match);
    if (step === undefined) return undefined;
    steps.push(step);
    // A filter's own path was parsed with the same expression in between.
    STEP.lastIndex = (match as RegExpExecArray).index + (match as RegExpExecArray)[0].length;
  }
  return steps;
}

function compare(operator: string, found: unknown, wanted: unknown): boolean {
  switch (operator) {
    case 'exists':
      return found !== undefined;
    case '==':
      return found === wanted;
    case '!=':
      return found !== wanted;
    case '<':
      return Number(found) < Number(wanted);
    case '<=':
      return Number(found) <= Number(wanted);
    case '>':
      return Number(found) > Number(wanted);
    default:
      return Number(found) >= Number(wanted);
  }
}

const childrenOf = (value: unknown): unknown[] => {
  if (Array.isArray(value)) return value;
  return isObject(value) ? Object.values(value) : [];
};

function follow(step: Step, value: unknown): unknown[] {
  switch (step.type) {
    case 'field':
      return isObject(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : [];
    case 'index': {
      const item = Array.isArray(value) ? value.at(step.index) : undefined;
      return item === undefined ? [] : [item];
    }
    case 'all':
      return childrenOf(value);
    case 'filter':
      return childrenOf(value).filter((child) =>
        compare(step.operator, valuesAt(step.path, child)[0], step.value),
      );
  }
}

/** Every value the path leads to; none if something on the way is absent. */
export function valuesAt(path: FieldsPath, object: unknown): unknown[] {
  return path.reduce<unknown[]>(
    (values, step) => values.flatMap((value) => follow(step, value)),
    [object],
  );
}

/** Paths read again and again (a field selector meets every event); few, but strangers may send any. */
const parsedPaths = new Map<string, FieldsPath | undefined>();
const PARSED_PATHS = 1000;

function parsedOnce(text: string): FieldsPath | undefined {
  if (parsedPaths.has(text)) return parsedPaths.get(text);
  if (parsedPaths.size >= PARSED_PATHS) parsedPaths.clear();
  const parsed = parsePath(text);
  parsedPaths.set(text, parsed);
  return parsed;
}

/** The value at a path of plain fields: `getPath(object, '.spec.replicas')`. */
export function getPath(object: unknown, path: string): unknown {
  const parsed = parsedOnce(path);
  return parsed === undefined ? undefined : valuesAt(parsed, object)[0];
}

/** A copy with the value put at a path of plain fields; missing objects on the way are made. */
export function withPath<T>(object: T, path: string, value: unknown): T {
  const steps = parsedOnce(path) ?? [];
  const put = (target: unknown, depth: number): unknown => {
    const step = steps[depth];
    if (step === undefined || step.type !== 'field') return value;
    const base = isObject(target) ? target : {};
    return { ...base, [step.name]: put(base[step.name], depth + 1) };
  };
  return put(object, 0) as T;
}
