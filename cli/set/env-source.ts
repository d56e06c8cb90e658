/** Variables that come from a ConfigMap or a Secret, a key each (`--from`), and what such a variable holds. */
import type { RemoteClient } from '#api/client/client.ts';
import { type JsonObject, objectOr, stringOr } from '#api/resources/json.ts';
import { configMaps, secrets } from '#api/resources/resource-types.ts';
import { UsageError } from '../arguments.ts';
import { readPlace } from '../documents/requests.ts';
import type { Variable } from './env-words.ts';

const sources = {
  configmap: { type: configMaps, reference: 'configMapKeyRef' },
  secret: { type: secrets, reference: 'secretKeyRef' },
} as const;

type Source = keyof typeof sources;

const sourceNames: Readonly<Record<string, Source>> = {
  configmap: 'configmap',
  configmaps: 'configmap',
  cm: 'configmap',
  secret: 'secret',
  secrets: 'secret',
};

/** `secret/mine`. @throws UsageError for another kind */
export function sourceOf(from: string): { readonly kind: Source; readonly name: string } {
  const [word = '', name = ''] = from.split('/');
  const kind = Object.hasOwn(sourceNames, word) ? sourceNames[word] : undefined;
  if (kind !== undefined && name !== '') return { kind, name };
  throw new UsageError(
    `unsupported resource specified in --from: '${from}': configmap/NAME or secret/NAME`,
  );
}

async function keysOf(
  client: RemoteClient,
  { kind, name }: ReturnType<typeof sourceOf>,
  namespace: string | undefined,
): Promise<JsonObject> {
  const object = await readPlace(client, { type: sources[kind].type, name, namespace });
  return objectOr((object as { data?: unknown }).data);
}

/** A variable for each key, or for each of `keys`, in the order of their names. */
export async function variablesFrom(
  client: RemoteClient,
  from: string,
  {
    namespace,
    prefix,
    keys,
  }: { namespace: string | undefined; prefix: string; keys: readonly string[] },
): Promise<Variable[]> {
  const source = sourceOf(from);
  const { reference } = sources[source.kind];
  const there = Object.keys(await keysOf(client, source, namespace)).sort();
  const missing = keys.find((key) => !there.includes(key));
  if (missing !== undefined)
    throw new Error(`${source.kind} ${source.name} has no key '${missing}'`);
  return there
    .filter((key) => keys.length === 0 || keys.includes(key))
    .map((key) => ({
      name: `${prefix}${key.toUpperCase().replace(/[^A-Z0-9_]/g, '_')}`,
      valueFrom: { [reference]: { key, name: source.name } },
    }));
}

/** `secret mine, key password`; undefined for a plain value. */
export function referenceText(valueFrom: JsonObject): string {
  for (const [kind, { reference }] of Object.entries(sources)) {
    const { name, key } = objectOr(valueFrom[reference]);
    if (name !== undefined) return `${kind} ${name}, key ${key}`;
  }
  const { fieldPath } = objectOr(valueFrom['fieldRef']);
  if (fieldPath !== undefined) return `field path ${fieldPath}`;
  const { containerName, resource } = objectOr(valueFrom['resourceFieldRef']);
  if (resource === undefined) return 'invalid valueFrom';
  return `resource field ${containerName === undefined ? '' : `${containerName}/`}${resource}`;
}

/** What a variable from a ConfigMap or Secret holds. @throws Error for a key, StatusError for an object that is not there */
export async function keyedValue(
  client: RemoteClient,
  valueFrom: JsonObject,
  namespace: string | undefined,
): Promise<string> {
  for (const kind of ['configmap', 'secret'] as const) {
    const { name, key } = objectOr(valueFrom[sources[kind].reference]);
    if (name === undefined) continue;
    const data = await keysOf(client, { kind, name: stringOr(name) }, namespace);
    const value = data[stringOr(key)];
    if (value === undefined) throw new Error(`key ${key} not found in ${kind} ${name}`);
    const content = stringOr(value);
    return kind === 'secret' ? Buffer.from(content, 'base64').toString() : content;
  }
  throw new Error('invalid valueFrom');
}
