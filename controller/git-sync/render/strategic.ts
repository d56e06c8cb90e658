/** Strategic merge of a document with a patch: lists of Kubernetes' own kinds merge by their keys. */
import { cloneJson, equalJson, isObject, type JsonObject, setField } from '#api/resources/json.ts';

/** The merge keys of lists, by the field's name: it means the same wherever it stands. */
const keys: Readonly<Record<string, string>> = {
  conditions: 'type',
  containers: 'name',
  env: 'name',
  ephemeralContainers: 'name',
  hostAliases: 'ip',
  imagePullSecrets: 'name',
  initContainers: 'name',
  ownerReferences: 'uid',
  resourceClaims: 'name',
  schedulingGates: 'name',
  secrets: 'name',
  topologySpreadConstraints: 'topologyKey',
  volumeDevices: 'devicePath',
  volumeMounts: 'mountPath',
  volumes: 'name',
  webhooks: 'name',
};
const sets = new Set(['finalizers']);

/** Ports of containers go by another key than those of services. */
function keyOfList(field: string, lists: readonly unknown[][]): string | undefined {
  if (field !== 'ports') return keys[field];
  const isContainer = lists.some((list) =>
    list.some((one) => isObject(one) && 'containerPort' in one),
  );
  return isContainer ? 'containerPort' : 'port';
}

const isDirective = (field: string): boolean => field.startsWith('$');

/** What a patch says of something that is not there: itself, without its instructions and what it deletes. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.filter((one) => !(isObject(one) && one['$patch'] === 'delete')).map(plain);
  }
  if (!isObject(value)) return value;
  const out: JsonObject = {};
  for (const [field, one] of Object.entries(value)) {
    if (one !== null && !isDirective(field)) setField(out, field, plain(one));
  }
  return out;
}

function mergeLists(field: string, held: unknown[], patch: unknown[]): unknown[] {
  const replace = patch.some((one) => isObject(one) && one['$patch'] === 'replace');
  const wanted = patch.filter((one) => !(isObject(one) && one['$patch'] === 'replace'));
  if (replace) return wanted.map(plain);
  if (sets.has(field)) return [...held, ...wanted.filter((one) => !held.includes(one))];
  const key = keyOfList(field, [held, wanted]);
  const all = [...held, ...wanted];
  if (key === undefined || !all.every((one) => isObject(one) && one[key] !== undefined)) {
    return wanted.map(plain);
  }
  const rest = [...(held as JsonObject[])];
  const first: unknown[] = [];
  for (const one of wanted as JsonObject[]) {
    const at = rest.findIndex((other) => equalJson(other[key], one[key]));
    const [same] = at < 0 ? [] : rest.splice(at, 1);
    if (one['$patch'] === 'delete') continue;
    first.push(same === undefined ? plain(one) : mergeObjects(same, one));
  }
  // What the patch names comes first, in its order, as kustomize has it.
  return [...first, ...rest];
}

function mergeObjects(held: JsonObject, patch: JsonObject): JsonObject {
  if (patch['$patch'] === 'replace') return plain(patch) as JsonObject;
  for (const [field, value] of Object.entries(patch)) {
    const removed = /^\$deleteFromPrimitiveList\/(.+)$/.exec(field)?.[1];
    if (removed !== undefined && Array.isArray(value) && Array.isArray(held[removed])) {
      held[removed] = held[removed].filter((one) => !value.includes(one));
    }
    if (isDirective(field)) continue;
    const before = Object.hasOwn(held, field) ? held[field] : undefined;
    if (value === null || (isObject(value) && value['$patch'] === 'delete')) delete held[field];
    else if (Array.isArray(value) && Array.isArray(before)) {
      held[field] = mergeLists(field, before, value);
    } else if (isObject(value) && isObject(before)) held[field] = mergeObjects(before, value);
    else setField(held, field, plain(value));
  }
  return held;
}

/** Objects merge, lists are taken from the patch. */
function mergeJson(held: unknown, patch: unknown): unknown {
  if (!isObject(patch) || !isObject(held)) return plain(patch);
  for (const [field, value] of Object.entries(patch)) {
    if (isDirective(field)) continue;
    if (value === null) delete held[field];
    else setField(held, field, mergeJson(held[field], value));
  }
  return held;
}

/** A merged copy. `lists`: whether lists merge by key, or the patch's take the place of those that are there. */
export function merged<T extends JsonObject>(
  object: T,
  patch: JsonObject,
  lists: 'by key' | 'replaced',
): T {
  const copy = cloneJson(object);
  const by = lists === 'by key' ? mergeObjects : mergeJson;
  return by(copy, patch) as T;
}
