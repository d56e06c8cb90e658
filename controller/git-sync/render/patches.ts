/** Changes single documents: strategic merge or a JSON patch, to those that a target names. */
import { parseAllDocuments } from 'yaml';
import { applyJsonPatch } from '#api/patch/json-patch.ts';
import { isObject, type JsonObject } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { kustomizeYaml } from '#api/resources/yaml-tags.ts';
import { groupOf, type Item, isBuiltIn, isCalled, isIn, isSelected, versionOf } from './item.ts';
import type { Patch, Target } from './kustomization.ts';
import { merged } from './strategic.ts';

/** The whole of the text must match, as kustomize has it. */
function matches(pattern: string | undefined, ...texts: readonly string[]): boolean {
  if (pattern === undefined || pattern === '') return true;
  // Long patterns are no names; what backtracks for ever is not run.
  if (pattern.length > 253 || /[+*)}]\s*[+*{]/.test(pattern)) {
    throw new Error(`target: ${JSON.stringify(pattern)} is too involved a pattern`);
  }
  const whole = new RegExp(`^(?:${pattern})$`);
  return texts.some((text) => whole.test(text));
}

function isTarget(item: Item, target: Target): boolean {
  const { object, names, namespaces } = item;
  const { metadata } = object;
  return (
    matches(target.group, groupOf(object)) &&
    matches(target.version, versionOf(object)) &&
    matches(target.kind, object.kind) &&
    matches(target.name, metadata.name, ...names) &&
    matches(target.namespace, metadata.namespace ?? '', ...namespaces) &&
    isSelected(target.labelSelector, metadata.labels) &&
    isSelected(target.annotationSelector, metadata.annotations)
  );
}

/** Changes nothing but what it may: the name and the kind stay unless the patch's options say otherwise. */
function mergeInto(item: Item, patch: JsonObject, options: Patch['options'] = {}): void {
  const { kind, apiVersion, metadata } = item.object;
  const lists = isBuiltIn(item.object) ? 'by key' : 'replaced';
  const next = merged(item.object, patch, lists);
  if (options.allowKindChange !== true) Object.assign(next, { kind, apiVersion });
  if (options.allowNameChange !== true) next.metadata.name = metadata.name;
  else if (next.metadata.name !== metadata.name) item.names.add(metadata.name);
  if (metadata.namespace === undefined) delete next.metadata.namespace;
  else next.metadata.namespace = metadata.namespace;
  item.object = next;
}

const shownId = (patch: JsonObject): string => {
  const { name } = (patch['metadata'] ?? {}) as { name?: string };
  return `${patch['kind']} ${name}`;
};

/** The one item that a patch without a target means, by its own kind and name. */
function ownTarget(items: readonly Item[], patch: JsonObject): Item {
  const { apiVersion, kind, metadata } = patch as unknown as KubeObject;
  if (
    typeof apiVersion !== 'string' ||
    typeof kind !== 'string' ||
    typeof metadata?.name !== 'string'
  ) {
    throw new Error('a patch without target needs apiVersion, kind and metadata.name');
  }
  const same = items.filter(
    (item) =>
      item.object.kind === kind &&
      groupOf(item.object) === groupOf({ apiVersion }) &&
      isCalled(item, metadata.name) &&
      (metadata.namespace === undefined || isIn(item, metadata.namespace)),
  );
  const [first, second] = same;
  if (first === undefined) throw new Error(`there is no ${shownId(patch)} to be patched`);
  if (second !== undefined) throw new Error(`there are several ${shownId(patch)}; name a target`);
  return first;
}

function documentsOf(text: string): unknown[] {
  const all = parseAllDocuments(text, { ...kustomizeYaml, prettyErrors: false });
  if (!Array.isArray(all)) return [];
  return all.flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw new Error(error.message);
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return value === null || value === undefined ? [] : [value];
  });
}

const isRemoval = (patch: JsonObject): boolean => patch['$patch'] === 'delete';

/** Applies the text of a patch; gives the items that are left. @throws Error that says why it cannot be applied */
export function applyPatch(items: Item[], text: string, { target, options }: Patch): Item[] {
  let left = items;
  for (const patch of documentsOf(text)) {
    if (Array.isArray(patch)) {
      if (target === undefined) throw new Error('a JSON patch needs a target');
      for (const item of left.filter((one) => isTarget(one, target))) patchJson(item, patch);
      continue;
    }
    if (!isObject(patch)) throw new Error('a patch must be an object, or a list of operations');
    const meant =
      target === undefined ? [ownTarget(left, patch)] : left.filter((one) => isTarget(one, target));
    if (isRemoval(patch)) left = left.filter((item) => !meant.includes(item));
    else for (const item of meant) mergeInto(item, patch, options);
  }
  return left;
}

function patchJson(item: Item, operations: unknown[]): void {
  const { name } = item.object.metadata;
  item.object = applyJsonPatch(item.object, operations) as KubeObject;
  if (item.object.metadata?.name !== name) item.names.add(name);
}

/** Whether the text is a patch itself rather than the path of one. */
export const isInlinePatch = (text: string): boolean => /[\n{]/.test(text);
