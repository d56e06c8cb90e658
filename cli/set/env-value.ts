/** What a variable holds that comes from elsewhere, as far as it can be known of a document (`--resolve`). */
import type { RemoteClient } from '#api/client/client.ts';
import { type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { milliValue, value as wholeValue } from '#api/resources/quantity.ts';
import type { Found } from '../documents/select.ts';
import { keyedValue } from './env-source.ts';
import { chosenContainers, podSpecOf } from './pod-spec.ts';

/** As a pod sees a whole map (downward API): a line each, sorted. */
const mapText = (map: Readonly<Record<string, string>> = {}): string =>
  Object.keys(map)
    .sort()
    .map((key) => `${key}=${JSON.stringify(map[key])}`)
    .join('\n');

/** `metadata.labels['app']` and the like. @throws Error for a field that a document cannot tell */
function fieldValue({ metadata }: KubeObject, path: string): string {
  const [, map, key] = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path) ?? [];
  if (key !== undefined) return metadata[map as 'labels' | 'annotations']?.[key] ?? '';
  switch (path) {
    case 'metadata.name':
      return metadata.name ?? '';
    case 'metadata.namespace':
      return metadata.namespace ?? '';
    case 'metadata.uid':
      return metadata.uid ?? '';
    case 'metadata.labels':
      return mapText(metadata.labels);
    case 'metadata.annotations':
      return mapText(metadata.annotations);
    default:
      throw new Error(`unsupported fieldPath: ${path}`);
  }
}

/** Rounded up in units of the divisor; what has no limit is 0 here, where no node is known. */
function resourceValue(container: JsonObject, reference: JsonObject): string {
  const resource = stringOr(reference['resource']);
  const [, part, name] = /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.+)$/.exec(
    resource,
  ) ?? [undefined, '', ''];
  if (part === '') throw new Error(`unsupported container resource: ${resource}`);
  const amounts = objectOr(objectOr(container['resources'])[part]);
  const amount = String(amounts[name] ?? '0');
  const asked = String(reference['divisor'] ?? '0');
  const divisor = milliValue(asked) === 0 ? '1' : asked;
  const count = name === 'cpu' ? milliValue : wholeValue;
  return String(Math.ceil(count(amount) / count(divisor)));
}

/** The container that a reference names, else the variable's own. */
function containerOf({ object }: Found, own: JsonObject, reference: JsonObject): JsonObject {
  const name = stringOr(reference['containerName']);
  if (name === '') return own;
  const all = chosenContainers(podSpecOf(object));
  const found = all.find((one) => one.name === name)?.container;
  if (found === undefined) throw new Error(`there is no container "${name}"`);
  return found;
}

/** @throws Error when it cannot be known, StatusError `NotFound` for what is not there */
export async function resolvedValue(
  client: () => Promise<RemoteClient>,
  found: Found,
  container: JsonObject,
  valueFrom: JsonObject,
): Promise<string> {
  const field = valueFrom['fieldRef'];
  if (field !== undefined) {
    return fieldValue(found.object, stringOr(objectOr(field)['fieldPath']));
  }
  const resource = valueFrom['resourceFieldRef'];
  if (resource !== undefined) {
    const reference = objectOr(resource);
    return resourceValue(containerOf(found, container, reference), reference);
  }
  return keyedValue(await client(), valueFrom, found.namespace);
}

/** The variables of a container, a line each; what cannot be resolved is told at its end. */
export async function listVariables(
  found: Found,
  container: JsonObject,
  client: (() => Promise<RemoteClient>) | undefined,
  { lineOf, tell }: { lineOf: (from: JsonObject) => string; tell: (text: string) => void },
): Promise<string> {
  const failures: string[] = [];
  let text = '';
  for (const one of objectsOf(container['env'])) {
    const name = stringOr(one['name']);
    if (one['valueFrom'] === undefined) {
      text += `${name}=${stringOr(one['value'])}\n`;
      continue;
    }
    const from = objectOr(one['valueFrom']);
    const value =
      client === undefined
        ? undefined
        : await resolvedValue(client, found, container, from).catch((error: Error) => {
            failures.push(`error retrieving reference for ${name}: ${error.message}\n`);
            return undefined;
          });
    text += value === undefined ? `# ${name} from ${lineOf(from)}\n` : `${name}=${value}\n`;
  }
  for (const failure of failures.sort()) tell(failure);
  return text;
}
