/** `bay delete`: deletes documents and waits until they are gone. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RemoteClient } from '#api/client/client.ts';
import { hasReason } from '#api/resources/status.ts';
import { clientOptions, parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { type DiscoveredType, discover, typeNamed, typeOfKind } from '../discovery.ts';
import { readManifests } from '../manifests.ts';

const options = {
  ...clientOptions,
  filename: { type: 'string', short: 'f', multiple: true },
  'grace-period': { type: 'string' },
  'no-wait': { type: 'boolean' },
} as const;

interface Target {
  readonly type: DiscoveredType;
  readonly name: string;
  readonly namespace: string | undefined;
}

const label = ({ type, name }: Target): string =>
  `${type.singular}${type.group === '' ? '' : `.${type.group}`} "${name}"`;

/** `pod a b`, or `pod/a container/b`. */
function named(
  types: readonly DiscoveredType[],
  words: readonly string[],
  namespace: string,
): Target[] {
  const target = (typeText: string, name: string): Target => {
    const type = typeNamed(types, typeText);
    return { type, name, namespace: type.namespaced ? namespace : undefined };
  };
  if (words.every((word) => word.includes('/'))) {
    return words.map((word) => {
      const [type = '', name = ''] = word.split('/');
      return target(type, name);
    });
  }
  const [type = '', ...names] = words;
  if (names.length === 0) throw new UsageError(`name the ${type} to delete`);
  return names.map((name) => target(type, name));
}

function fromFiles(
  types: readonly DiscoveredType[],
  paths: readonly string[],
  namespace: string,
): Target[] {
  return readManifests(paths).map(({ object, place }) => {
    const type = typeOfKind(types, object);
    if (type === undefined) throw new Error(`${place}: the server has no kind ${object.kind}`);
    const where = type.namespaced ? (object.metadata.namespace ?? namespace) : undefined;
    return { type, name: object.metadata.name, namespace: where };
  });
}

async function untilGone(
  client: RemoteClient,
  target: Target,
  uid: string | undefined,
): Promise<void> {
  const collection = client.collection(target.type);
  for (;;) {
    try {
      const object = await collection.get(refOf(target));
      if (object.metadata.uid !== uid) return;
    } catch (error) {
      if (hasReason(error, 'NotFound')) return;
      throw error;
    }
    await sleep(25);
  }
}

const refOf = ({ name, namespace }: Target) =>
  namespace === undefined ? { name } : { name, namespace };

function gracePeriod(text: string | undefined): { gracePeriodSeconds?: number } {
  if (text === undefined) return {};
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds >= 0) return { gracePeriodSeconds: seconds };
  throw new UsageError(`--grace-period '${text}': a number of seconds`);
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  const files = values.filename ?? [];
  if (files.length === 0 && positionals.length === 0) {
    throw new UsageError('say what to delete: bay delete pod NAME, or bay delete -f FILE');
  }
  const grace = gracePeriod(values['grace-period']);
  const client = await openClient(values);
  try {
    const namespace = values.namespace ?? 'default';
    const types = await discover(client);
    const targets =
      files.length > 0 ? fromFiles(types, files, namespace) : named(types, positionals, namespace);
    for (const target of targets) {
      const collection = client.collection(target.type);
      const { metadata } = await collection.get(refOf(target));
      await collection.delete(refOf(target), { propagationPolicy: 'Background', ...grace });
      if (values['no-wait'] !== true) await untilGone(client, target, metadata.uid);
      process.stdout.write(`${label(target)} deleted\n`);
    }
    return 0;
  } finally {
    client.close();
  }
}
