/** JSON Patch (RFC 6902) and JSON Pointer (RFC 6901). */
import { cloneJson, equalJson, getField, isObject, setField } from '#api/resources/json.ts';
import { InapplicablePatch, MalformedPatch, OversizedPatch } from './errors.ts';

type Op = 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test';

interface Operation {
  readonly op: Op;
  readonly path: readonly string[];
  readonly from?: readonly string[];
  readonly value?: unknown;
}

const OPS: readonly string[] = ['add', 'remove', 'replace', 'move', 'copy', 'test'];
/** kube-apiserver's limits (`server/config.go`): a few hundred copies of copies would fill any memory. */
const MAX_OPERATIONS = 10_000;
const MAX_COPIED_BYTES = 3 * 1024 * 1024;

function pointer(text: unknown, of: string): string[] {
  if (typeof text !== 'string' || (text !== '' && !text.startsWith('/'))) {
    throw new MalformedPatch(
      `JSON patch: ${of} must be a JSON pointer, not ${JSON.stringify(text)}`,
    );
  }
  const tokens = text.split('/').slice(1);
  return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function operationOf(entry: unknown): Operation {
  if (!isObject(entry)) throw new MalformedPatch('JSON patch: an operation must be an object');
  const { op } = entry;
  if (typeof op !== 'string' || !OPS.includes(op)) {
    throw new MalformedPatch(`JSON patch: unexpected kind of operation: ${JSON.stringify(op)}`);
  }
  const path = pointer(entry['path'], 'path');
  if (op === 'move' || op === 'copy') return { op, path, from: pointer(entry['from'], 'from') };
  if (op === 'remove') return { op, path };
  if (!('value' in entry)) throw new MalformedPatch(`JSON patch: ${op} needs a value`);
  return { op: op as Op, path, value: entry['value'] };
}

/** @throws MalformedPatch, OversizedPatch */
function operationsOf(patch: unknown): Operation[] {
  if (!Array.isArray(patch)) throw new MalformedPatch('JSON patch: must be a list of operations');
  if (patch.length > MAX_OPERATIONS) {
    const limit = `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}`;
    throw new OversizedPatch(`${limit}, got ${patch.length}`);
  }
  return patch.map(operationOf);
}

const shown = (path: readonly string[]): string =>
  path.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

function missing(operation: Operation, path: readonly string[]): InapplicablePatch {
  return new InapplicablePatch(
    `${operation.op} operation does not apply: doc is missing path: "${shown(path)}"`,
  );
}

/**
 * The index a token names in a list of `length`; `undefined` if it names none. A negative one counts from the end, as in the
 * library kube-apiserver uses.
 */
function indexOf(token: string, length: number): number | undefined {
  if (!/^(0|-?[1-9]\d*)$/.test(token)) return undefined;
  const index = token.startsWith('-') ? Number(token) + length : Number(token);
  return index >= 0 && index < length ? index : undefined;
}

function child(container: unknown, token: string): { found: boolean; value?: unknown } {
  if (Array.isArray(container)) {
    const index = indexOf(token, container.length);
    return index === undefined ? { found: false } : { found: true, value: container[index] };
  }
  if (!isObject(container) || !Object.hasOwn(container, token)) return { found: false };
  return { found: true, value: getField(container, token) };
}

function lookUp(doc: unknown, path: readonly string[], operation: Operation): unknown {
  let current = doc;
  for (const token of path) {
    const { found, value } = child(current, token);
    if (!found) throw missing(operation, path);
    current = value;
  }
  return current;
}

interface Place {
  readonly container: unknown;
  readonly token: string;
}

function placeOf(doc: unknown, path: readonly string[], operation: Operation): Place {
  const container = lookUp(doc, path.slice(0, -1), operation);
  return { container, token: path.at(-1) as string };
}

function add(doc: unknown, path: readonly string[], value: unknown, operation: Operation): unknown {
  if (path.length === 0) return value;
  const { container, token } = placeOf(doc, path, operation);
  if (Array.isArray(container)) {
    const index = token === '-' ? container.length : indexOf(token, container.length + 1);
    if (index === undefined) throw missing(operation, path);
    container.splice(index, 0, value);
  } else if (isObject(container)) {
    setField(container, token, value);
  } else {
    throw missing(operation, path);
  }
  return doc;
}

function remove(doc: unknown, path: readonly string[], operation: Operation): unknown {
  if (path.length === 0) return null;
  const { container, token } = placeOf(doc, path, operation);
  const index = Array.isArray(container) ? indexOf(token, container.length) : undefined;
  if (Array.isArray(container) && index !== undefined) container.splice(index, 1);
  else if (isObject(container) && Object.hasOwn(container, token)) delete container[token];
  else throw missing(operation, path);
  return doc;
}

function replace(doc: unknown, operation: Operation): unknown {
  const { path, value } = operation;
  if (path.length === 0) return cloneJson(value);
  const { container, token } = placeOf(doc, path, operation);
  // A missing field is set, as in the library kube-apiserver uses: `kubectl rollout undo` relies on it.
  const index = Array.isArray(container) ? indexOf(token, container.length) : undefined;
  if (Array.isArray(container) && index !== undefined) container[index] = cloneJson(value);
  else if (isObject(container)) setField(container, token, cloneJson(value));
  else throw missing(operation, path);
  return doc;
}

function move(doc: unknown, operation: Operation): unknown {
  const { path, from = [] } = operation;
  const value = lookUp(doc, from, operation);
  const inside = path.length > from.length && from.every((token, i) => token === path[i]);
  if (inside) {
    throw new InapplicablePatch(
      `move operation does not apply: "${shown(path)}" is inside "${shown(from)}"`,
    );
  }
  return add(remove(doc, from, operation), path, value, operation);
}

function test(doc: unknown, operation: Operation): unknown {
  const { path, value } = operation;
  // A missing field equals null, as in the library kube-apiserver uses.
  const actual = value === null ? optional(doc, operation) : lookUp(doc, path, operation);
  if (equalJson(actual ?? null, value)) return doc;
  throw new InapplicablePatch(`testing value ${shown(path)} failed: test failed`);
}

function optional(doc: unknown, operation: Operation): unknown {
  const parent = lookUp(doc, operation.path.slice(0, -1), operation);
  const token = operation.path.at(-1);
  return token === undefined ? doc : child(parent, token).value;
}

/** Counts what copies add to a document. */
interface Copied {
  bytes: number;
}

function copy(doc: unknown, operation: Operation, copied: Copied): unknown {
  const value = lookUp(doc, operation.from ?? [], operation);
  copied.bytes += JSON.stringify(value).length;
  if (copied.bytes > MAX_COPIED_BYTES) {
    throw new InapplicablePatch(
      `Unable to complete the copy, the accumulated size increase of copy is ${copied.bytes}, ` +
        `exceeding the limit ${MAX_COPIED_BYTES}`,
    );
  }
  return add(doc, operation.path, cloneJson(value), operation);
}

function applyOne(doc: unknown, operation: Operation, copied: Copied): unknown {
  const { op, path } = operation;
  switch (op) {
    case 'add':
      return add(doc, path, cloneJson(operation.value), operation);
    case 'remove':
      return remove(doc, path, operation);
    case 'replace':
      return replace(doc, operation);
    case 'move':
      return move(doc, operation);
    case 'copy':
      return copy(doc, operation, copied);
    case 'test':
      return test(doc, operation);
  }
}

/**
 * The document after all operations, or none: neither argument is changed.
 * @throws MalformedPatch if `patch` is no JSON patch, OversizedPatch if it is too long, InapplicablePatch if an
 * operation fails or copies too much
 */
export function applyJsonPatch(doc: unknown, patch: unknown): unknown {
  const copied: Copied = { bytes: 0 };
  const operations = operationsOf(patch);
  return operations.reduce((result, one) => applyOne(result, one, copied), cloneJson(doc));
}
