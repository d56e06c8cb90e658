/** `bay drift`: which files of running containers are not as their images have them. */
import type { RemoteClient } from '#api/client/client.ts';
import { resourcePath } from '#api/client/paths.ts';
import { apiVersionOf } from '#api/resources/meta.ts';
import { containers } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import { clientOptions, parse } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { type Container, containersOf } from '../container.ts';
import { send } from '../documents/requests.ts';
import { filesPath } from '../files.ts';
import { findContainer, nameOf } from '../find-container.ts';

const options = {
  ...clientOptions,
  'all-namespaces': { type: 'boolean', short: 'A' },
  quiet: { type: 'boolean', short: 'q' },
} as const;

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

interface Change {
  readonly Path: string;
  readonly Kind: 0 | 1 | 2;
}

/** Directories that changed only because of what is in them say nothing. */
export function telling(changes: readonly Change[]): Change[] {
  const isParent = ({ Path, Kind }: Change) =>
    Kind === 0 && changes.some((other) => other.Path.startsWith(`${Path}/`));
  return changes.filter((change) => !isParent(change));
}

async function changesOf(client: RemoteClient, { metadata }: Container): Promise<Change[]> {
  const of = { text: metadata.name, namespace: metadata.namespace ?? 'default' };
  return telling((await client.request('GET', filesPath(of, 'changes'))) as readonly Change[]);
}

/** So many files are named in the condition. */
const named = 5;

function conditionOf(changes: readonly Change[], held: Condition | undefined): Condition {
  const status = changes.length > 0 ? 'True' : 'False';
  const list = changes.slice(0, named).map(({ Kind, Path }) => `${'CAD'[Kind]} ${Path}`);
  const more = changes.length > named ? ` and ${changes.length - named} more` : '';
  const since = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  return {
    type: 'Drifted',
    status,
    // Without a message where all is well: messages tell of trouble.
    ...(changes.length > 0
      ? { reason: 'FilesDiffer', message: `${list.join(', ')}${more}` }
      : { reason: 'AsTheImage' }),
    lastTransitionTime: held?.status === status ? (held.lastTransitionTime ?? since) : since,
  };
}

/**
 * Leaves what was found on the document, where `bay wait --for=condition=Drifted` and whoever watches sees it. Who may look but
 * not write has looked all the same.
 */
async function record(
  client: RemoteClient,
  { metadata, status }: Container,
  changes: readonly Change[],
): Promise<void> {
  const { name, namespace } = metadata;
  const held = status?.conditions?.find(({ type }) => type === 'Drifted');
  const condition = conditionOf(changes, held);
  if (held?.status === condition.status && held.message === condition.message) return;
  const type = containers;
  const path = `${resourcePath(type, { name, namespace, subresource: 'status' })}?fieldManager=bay-drift&force=true`;
  const applied = {
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    metadata: { name, namespace },
    status: { conditions: [condition] },
  };
  try {
    await send(client, 'PATCH', path, applied, 'application/apply-patch+yaml');
  } catch (error) {
    if (!hasReason(error, 'Forbidden') && !hasReason(error, 'NotFound')) throw error;
  }
}

/** Exit code 1 if a file differs. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  const client = await openClient(values);
  try {
    const namespace = values.namespace ?? 'default';
    const where = values['all-namespaces'] === true ? {} : { namespace };
    const asked =
      positionals.length > 0
        ? await Promise.all(positionals.map((name) => findContainer(client, name, namespace)))
        : (await containersOf(client).list(where)).items.filter(
            ({ status }) => status?.phase === 'running' || status?.phase === 'paused',
          );
    let different = 0;
    for (const container of asked) {
      const changes = await changesOf(client, container);
      await record(client, container, changes);
      if (changes.length > 0) different += 1;
      const name = nameOf(container);
      if (values.quiet === true && changes.length > 0) process.stdout.write(`${name}\n`);
      if (values.quiet === true) continue;
      for (const { Kind, Path } of changes)
        process.stdout.write(`${name}: ${'CAD'[Kind]} ${Path}\n`);
    }
    return different > 0 ? 1 : 0;
  } finally {
    client.close();
  }
}
