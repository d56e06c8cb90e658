/**
 * Sets of field paths. `FieldsV1`, the form they have in an object's `managedFields`, is the form they are worked on:
 * a tree of path elements, where a path is in the set if its node is empty or has a `.`. Nothing has to be parsed or
 * written to keep a manager's fields, and what does not change is shared. Sets are never changed in place.
 */
import { canonicalElement, compareElements, elementText, self } from './path-element.ts';

/** A node below the root: empty, or with `.`, if its own path is in the set. As the root: `{}` is the empty set. */
export interface FieldSet {
  readonly [element: string]: FieldSet;
}

/** While a set is made. */
export interface MutableFieldSet {
  [element: string]: FieldSet;
}

/** A path that is in the set, with nothing below it; also the empty set. */
export const leaf: FieldSet = Object.freeze({});

export function isEmpty(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** Whether the path of this node (not of the root) is in the set. */
export const isMember = (node: FieldSet): boolean => isEmpty(node) || Object.hasOwn(node, self);

/** The node below `set`, if there is one. */
export const childOf = (set: FieldSet, element: string): FieldSet | undefined =>
  Object.hasOwn(set, element) ? set[element] : undefined;

/** The elements of a node's children, without its own `.`. */
export const childElements = (node: FieldSet): string[] =>
  Object.keys(node).filter((element) => element !== self);

/** `node` with its own path in the set. */
export function asMember(node: FieldSet): FieldSet {
  return isMember(node) ? node : { [self]: leaf, ...node };
}

/** Paths in either set. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmpty(b)) return a;
  return isEmpty(a) ? b : joined(a, b);
}

function unionNodes(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a;
  if (isEmpty(b)) return asMember(a);
  return isEmpty(a) ? asMember(b) : joined(a, b);
}

function joined(a: FieldSet, b: FieldSet): FieldSet {
  let out: MutableFieldSet | undefined;
  let added = false;
  for (const element of Object.keys(b)) {
    const [mine, other] = [childOf(a, element), b[element] as FieldSet];
    const both = mine === undefined ? other : unionNodes(mine, other);
    if (both === mine) continue;
    out ??= { ...a };
    out[element] = both;
    added ||= mine === undefined;
  }
  if (out === undefined) return a;
  return added ? inOrder(out) : out;
}

/** Paths in `a` that are not in `b`. A path below one in `b` stays. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(a) || isEmpty(b)) return a;
  return without(a, b, false) ?? leaf;
}

function without(a: FieldSet, b: FieldSet, member: boolean): FieldSet | undefined {
  if (isEmpty(a)) return member && isMember(b) ? undefined : a;
  let out: MutableFieldSet | undefined;
  for (const element of Object.keys(b)) {
    const mine = childOf(a, element);
    if (mine === undefined) continue;
    const rest = element === self ? undefined : without(mine, b[element] as FieldSet, true);
    if (rest === mine) continue;
    out ??= { ...a };
    if (rest === undefined) delete out[element];
    else out[element] = rest;
  }
  if (member && isEmpty(b) && Object.hasOwn(a, self)) {
    out = { ...a };
    delete out[self];
  }
  if (out === undefined) return a;
  const [first, ...more] = Object.keys(out);
  if (first === self && more.length === 0) return leaf;
  return first === undefined ? undefined : out;
}

/** Paths in both sets. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return common(a, b, false) ?? leaf;
}

function common(a: FieldSet, b: FieldSet, member: boolean): FieldSet | undefined {
  const out: MutableFieldSet = {};
  for (const element of childElements(a)) {
    const other = childOf(b, element);
    if (other === undefined) continue;
    const both = common(a[element] as FieldSet, other, true);
    if (both !== undefined) out[element] = both;
  }
  const own = member && isMember(a) && isMember(b);
  if (isEmpty(out)) return own ? leaf : undefined;
  return own ? { [self]: leaf, ...out } : out;
}

/** The set of one path. */
export function pathSet(path: readonly string[]): FieldSet {
  return path.reduceRight<FieldSet>((below, element) => ({ [element]: below }), leaf);
}

/** Whether the path is in the set. */
export function has(set: FieldSet, path: readonly string[]): boolean {
  let node: FieldSet | undefined = set;
  for (const element of path) node = node === undefined ? undefined : childOf(node, element);
  return node !== undefined && path.length > 0 && isMember(node);
}

/** All paths as people read them, parents before what is below them: `.spec.containers[name="web"].image`. */
export function pathTexts(set: FieldSet): string[] {
  return pathsOf(set).map((path) => path.map(elementText).join(''));
}

/** All paths, as elements. */
export function pathsOf(set: FieldSet, prefix: readonly string[] = []): string[][] {
  return childElements(set).flatMap((element) => {
    const node = set[element] as FieldSet;
    const path = [...prefix, element];
    const below = pathsOf(node, path);
    return isMember(node) ? [path, ...below] : below;
  });
}

/** The set with its elements in Kubernetes' order, at every depth. */
export function sorted(set: FieldSet): FieldSet {
  const elements = Object.keys(set);
  if (elements.length === 0) return leaf;
  const out: MutableFieldSet = {};
  for (const element of elements.length === 1 ? elements : elements.sort(compareElements)) {
    out[element] = sorted(set[element] as FieldSet);
  }
  return out;
}

function inOrder(set: FieldSet): FieldSet {
  const elements = Object.keys(set).sort(compareElements);
  const out: MutableFieldSet = {};
  for (const element of elements) out[element] = set[element] as FieldSet;
  return out;
}

/**
 * A set that a client has sent: elements in canonical form and order, what the format does not know left out.
 * Throws `TypeError` if it is no tree of objects.
 */
export function readFieldSet(sent: unknown): FieldSet {
  return sorted(canonical(sent));
}

function canonical(sent: unknown): FieldSet {
  if (typeof sent !== 'object' || sent === null || Array.isArray(sent)) {
    throw new TypeError('a set of fields is made of objects alone');
  }
  const out: MutableFieldSet = {};
  for (const [element, below] of Object.entries(sent)) {
    const known = element === self ? self : canonicalElement(element);
    if (known !== undefined) out[known] = element === self ? leaf : canonical(below);
  }
  return out;
}
