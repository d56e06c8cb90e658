/** `bay rollback`: a container becomes as a snapshot or a commit of it was. One that runs is stopped for it and started again. */
import { text as textOf } from 'node:stream/consumers';
import type { RemoteClient } from '#api/client/client.ts';
import type { ApiObject } from '#api/client/collection.ts';
import { snapshots } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import { clientOptions, parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { filesPath } from '../files.ts';
import { findContainer } from '../find-container.ts';
import { isUp, start, stop } from '../lifecycle.ts';

const options = {
  ...clientOptions,
  volumes: { type: 'boolean' },
  time: { type: 'string', short: 't' },
} as const;

interface Snapshot extends ApiObject {
  readonly status?: { readonly digest?: string };
}

/** The image of a Snapshot of this name, or the name of an image. */
async function imageOf(client: RemoteClient, name: string, namespace: string): Promise<string> {
  if (!/^[a-z0-9][a-z0-9.-]*$/.test(name)) return name;
  const found = await client
    .collection<Snapshot>(snapshots)
    .get({ name, namespace })
    .catch((error: unknown) => {
      if (hasReason(error, 'NotFound')) return undefined;
      throw error;
    });
  if (found === undefined) return name;
  if (found.status?.digest !== undefined) return found.status.digest;
  throw new Error(`snapshot ${name} has not been taken yet`);
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  const [text, snapshot] = positionals;
  if (text === undefined || snapshot === undefined || positionals.length > 2) {
    throw new UsageError('say what becomes what: bay rollback [OPTIONS] NAME SNAPSHOT|IMAGE');
  }
  const grace = values.time === undefined ? undefined : Number(values.time);
  if (grace !== undefined && !(Number.isInteger(grace) && grace >= 0)) {
    throw new UsageError(`--time '${values.time}': a number of seconds`);
  }
  const client = await openClient(values);
  try {
    const { namespace = 'default' } = values;
    const container = await findContainer(client, text, namespace);
    const ref = { name: container.metadata.name, namespace };
    const query = new URLSearchParams({ reference: await imageOf(client, snapshot, namespace) });
    if (values.volumes === true) query.set('volumes', 'true');
    const wasUp = isUp(container);
    if (wasUp) await stop(client, ref, grace);
    try {
      const path = filesPath({ text: ref.name, namespace }, 'rollback', query);
      await textOf(await client.streamRequest('POST', path));
    } finally {
      if (wasUp) await start(client, ref);
    }
    process.stdout.write(`${text}\n`);
    return 0;
  } finally {
    client.close();
  }
}
