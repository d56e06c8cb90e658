/** Label and field selectors, as far as tests of controllers and the agent need them. */
import type { ApiObject } from '#api/client/collection.ts';

export type Matches = (object: ApiObject) => boolean;

/** `a=b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, joined by commas. */
function requirement(text: string, value: (key: string) => string | undefined): boolean {
  const set = /^(\S+)\s+(in|notin)\s+\((.*)\)$/.exec(text);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const held = list
      .split(',')
      .map((one) => one.trim())
      .includes(value(key) ?? '\0');
    return operator === 'in' ? held : !held;
  }
  const [key = '', wanted] = text.split(/==|!=|=/);
  if (wanted === undefined) {
    return key.startsWith('!') ? value(key.slice(1)) === undefined : value(key) !== undefined;
  }
  return text.includes('!=') ? value(key) !== wanted : value(key) === wanted;
}

const parts = (selector: string): string[] =>
  selector === '' ? [] : selector.split(/,(?![^(]*\))/).map((part) => part.trim());

function field(object: ApiObject, path: string): string {
  let value: unknown = object;
  for (const step of path.split('.')) {
    value = (value as Record<string, unknown> | undefined)?.[step];
  }
  return value === undefined ? '' : String(value);
}

export interface Selection {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export function selection(options: Selection): Matches {
  const labels = parts(options.labelSelector ?? '');
  const fields = parts(options.fieldSelector ?? '');
  return (object) =>
    (options.namespace === undefined || object.metadata.namespace === options.namespace) &&
    labels.every((text) => requirement(text, (key) => object.metadata.labels?.[key])) &&
    fields.every((text) => requirement(text, (key) => field(object, key)));
}
