/** Copies a field of one document into fields of others. */
import { parse } from 'yaml';
import { cloneJson, isObject, type JsonObject, objectsOf, setField } from '#api/resources/json.ts';
import { type Item, isExactly } from './item.ts';
import type { Target } from './kustomization.ts';

interface FieldOptions {
  /** The text is parts between these: one of them is meant. */
  readonly delimiter?: string;
  readonly index?: number;
  /** What is missing on the way is made. */
  readonly create?: boolean;
}

interface Source extends Target {
  readonly fieldPath?: string;
  readonly options?: FieldOptions;
}

interface Destination {
  readonly select?: Target;
  readonly reject?: readonly Target[];
  readonly fieldPaths?: readonly string[];
  readonly options?: FieldOptions;
}

export interface Replacement {
  /** A file with one replacement or a list of them. */
  readonly path?: string;
  readonly source?: Source;
  readonly targets?: readonly Destination[];
}

/** What a file of replacements holds. */
function replacementsOf(text: string): readonly Replacement[] {
  const content: unknown = parse(text, { maxAliasCount: 100 });
  const all = Array.isArray(content) ? content : [content];
  if (objectsOf(all).length !== all.length) throw new Error('must be a replacement or a list');
  return all as Replacement[];
}

/** `a.b\.c.[name=x].0` in its parts; dots within brackets and behind a backslash part nothing. */
function partsOf(path: string): string[] {
  const parts = path.match(/(?:\[[^\]]*\]|\\.|[^.\\])+/g) ?? [];
  return parts.map((part) => (part.startsWith('[') ? part : part.replaceAll('\\.', '.')));
}

/** A place that a path leads to: a field of an object, or an element of a list. */
interface Place {
  readonly parent: JsonObject | unknown[];
  readonly key: string | number;
}

const valueAt = ({ parent, key }: Place): unknown =>
  Object.hasOwn(parent, key) ? (parent as JsonObject)[key] : undefined;

function put({ parent, key }: Place, value: unknown): void {
  if (Array.isArray(parent)) parent[Number(key)] = value;
  else setField(parent, String(key), value);
}

/** The elements of a list that one part of a path means. */
function elements(list: unknown[], part: string, create: boolean): Place[] {
  if (part === '*') return list.map((_, key) => ({ parent: list, key }));
  if (part === '-' && create) return [{ parent: list, key: list.length }];
  if (/^\d+$/.test(part)) {
    return Number(part) < list.length ? [{ parent: list, key: Number(part) }] : [];
  }
  const [, field = '', wanted = ''] = /^\[([^=]*)=(.*)\]$/.exec(part) ?? [];
  if (field === '')
    throw new Error(`${part} is no element of a list: write [FIELD=VALUE], a number or *`);
  const found = list.flatMap((one, key) =>
    isObject(one) && String(one[field]) === wanted ? [{ parent: list, key }] : [],
  );
  if (found.length > 0 || !create) return found;
  list.push({ [field]: wanted });
  return [{ parent: list, key: list.length - 1 }];
}

function places(root: JsonObject, path: string, create: boolean): Place[] {
  const parts = partsOf(path);
  let at: Place[] = [{ parent: [root], key: 0 }];
  for (const part of parts) {
    at = at.flatMap((place) => {
      let value = valueAt(place);
      if ((value === undefined || value === null) && create) {
        value = /^(\[|-$)/.test(part) ? [] : {};
        put(place, value);
      }
      if (Array.isArray(value)) return elements(value, part, create);
      if (!isObject(value)) return [];
      if (part === '*') return Object.keys(value).map((key) => ({ parent: value, key }));
      return create || Object.hasOwn(value, part) ? [{ parent: value, key: part }] : [];
    });
  }
  return at;
}

const shown = ({ kind = '', name = '', namespace }: Target): string =>
  `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`.trim();

function sourceValue(items: readonly Item[], source: Source): unknown {
  const found = items.filter((item) => isExactly(item, source));
  const [item, second] = found;
  if (item === undefined) throw new Error(`there is no ${shown(source)} to take a value from`);
  if (second !== undefined) throw new Error(`there are several ${shown(source)}; say more of it`);
  const { fieldPath = 'metadata.name', options = {} } = source;
  const [place] = places(item.object as unknown as JsonObject, fieldPath, false);
  const value = place === undefined ? undefined : valueAt(place);
  if (value === undefined) throw new Error(`${shown(source)} has no ${fieldPath}`);
  if (options.delimiter === undefined || options.delimiter === '') return value;
  const part = String(value).split(options.delimiter)[options.index ?? 0];
  if (part === undefined) {
    throw new Error(`${shown(source)}: ${fieldPath} has no part ${options.index}`);
  }
  return part;
}

const isScalar = (value: unknown): boolean => value === null || typeof value !== 'object';

/** A value that is there keeps its type: a number's text becomes a number where one was. */
function asTypeOf(held: unknown, value: unknown): unknown {
  if (typeof held === 'string' && isScalar(value)) return String(value);
  if (typeof value !== 'string' || (typeof held !== 'number' && typeof held !== 'boolean')) {
    return cloneJson(value);
  }
  const meant: unknown = parse(value);
  return isScalar(meant) ? meant : value;
}

function replace(place: Place, value: unknown, { delimiter = '', index = 0 }: FieldOptions): void {
  const held = valueAt(place);
  if (delimiter === '') {
    put(place, asTypeOf(held, value));
    return;
  }
  if (!isScalar(held) || !isScalar(value)) {
    throw new Error('delimiter is for text; the source or the target is none');
  }
  const parts = String(held ?? '').split(delimiter);
  if (index < 0) parts.unshift(String(value));
  else if (index >= parts.length) parts.push(String(value));
  else parts[index] = String(value);
  put(place, parts.join(delimiter));
}

function into(item: Item, value: unknown, { fieldPaths, options = {} }: Destination): void {
  const { name, namespace } = item.object.metadata;
  for (const path of fieldPaths ?? ['metadata.name']) {
    const found = places(item.object as unknown as JsonObject, path, options.create === true);
    if (found.length === 0) {
      throw new Error(
        `${item.object.kind} ${name} has no ${path}; 'options: {create: true}' makes it`,
      );
    }
    for (const place of found) replace(place, value, options);
  }
  if (item.object.metadata.name !== name) item.names.add(name);
  if (item.object.metadata.namespace !== namespace) item.namespaces.add(namespace ?? '');
}

const isList = (value: unknown): boolean => value === undefined || Array.isArray(value);

function applyOne(items: readonly Item[], { source, targets = [] }: Replacement): void {
  if (!isObject(source)) throw new Error('a replacement needs a source, or a path');
  if (objectsOf(targets).length === 0) throw new Error('a replacement needs targets, a list');
  const value = sourceValue(items, source);
  for (const target of targets) {
    const { select, reject = [], fieldPaths } = target;
    if (!isObject(select)) throw new Error('each target needs select');
    if (!isList(fieldPaths) || !isList(reject)) throw new Error('fieldPaths and reject are lists');
    for (const item of items) {
      if (!isExactly(item, select)) continue;
      // Nothing said rejects nothing.
      const rejected = reject.some(
        (one) => Object.values(one).some(Boolean) && isExactly(item, one),
      );
      if (!rejected) into(item, value, target);
    }
  }
}

/**
 * Applies one entry of a kustomization, or those of the file that it names. @throws Error that says which document or
 * field is missing
 */
export async function applyReplacements(
  items: readonly Item[],
  said: Replacement,
  read: (path: string) => Promise<Buffer>,
): Promise<void> {
  const { path } = said;
  const all = path === undefined ? [said] : replacementsOf((await read(path)).toString('utf8'));
  for (const one of all) applyOne(items, one);
}
