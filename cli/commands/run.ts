/** `bay run`: a Container document, and a session with it unless detached. */

import type { RemoteClient } from '#api/client/client.ts';
import { hasReason } from '#api/resources/status.ts';
import { parseLeading, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { type Container, containersOf, trouble } from '../container.ts';
import { containerDocument, runOptions } from '../run-options.ts';
import { runSession } from '../session.ts';
import { podPath } from '../target.ts';
import { until } from '../up/readiness.ts';

const options = {
  ...runOptions,
  kubeconfig: { type: 'string' },
  namespace: { type: 'string', short: 'n' },
} as const;

/** Resolves when the container has run, or still does; what it said so far can be had then. */
async function untilStarted(client: RemoteClient, wanted: Container): Promise<Container> {
  const { name, namespace = 'default' } = wanted.metadata;
  let found = wanted;
  try {
    await until(`container ${name}`, async () => {
      found = await containersOf(client).get({ name, namespace });
      return ['running', 'exited', 'dead'].includes(found.status?.phase ?? '');
    });
  } catch (error) {
    throw new Error(trouble(found) ?? (error as Error).message, { cause: error });
  }
  return found;
}

async function untilEnded(client: RemoteClient, container: Container): Promise<number> {
  const { name, namespace = 'default' } = container.metadata;
  let exitCode = 0;
  await until(
    `the end of ${name}`,
    async () => {
      const found = await containersOf(client)
        .get({ name, namespace })
        .catch((error: unknown) => {
          // Somebody else removed it: it has ended, and how is not known any more.
          if (hasReason(error, 'NotFound')) return undefined;
          throw error;
        });
      exitCode = found?.status?.exitCode ?? exitCode;
      return found === undefined || ['exited', 'dead'].includes(found.status?.phase ?? '');
    },
    Number.POSITIVE_INFINITY,
  );
  return exitCode;
}

/** Everything the container writes from its start on, to its end. */
async function followLog(client: RemoteClient, container: Container): Promise<void> {
  const { name, namespace = 'default' } = container.metadata;
  const path = podPath({ namespace, pod: name }, 'log', new URLSearchParams({ follow: 'true' }));
  for await (const chunk of await client.streamRequest('GET', path)) process.stdout.write(chunk);
}

async function session(client: RemoteClient, container: Container): Promise<number> {
  const { tty = false, stdin = false } = container.spec;
  if (!tty && !stdin) {
    await followLog(client, container);
    return untilEnded(client, container);
  }
  const { name, namespace = 'default' } = container.metadata;
  const query = new URLSearchParams({ stdout: 'true', stderr: String(!tty) });
  query.set('stdin', String(stdin));
  query.set('tty', String(tty));
  const path = podPath({ namespace, pod: name }, 'attach', query);
  return runSession(client.credentials, path, { stdin, tty });
}

/** With --rm in the foreground it is we who remove it: what it wrote must be read to the end first. */
async function foreground(client: RemoteClient, wanted: Container, rm: boolean): Promise<number> {
  const { name, namespace = 'default' } = wanted.metadata;
  try {
    return await session(client, await untilStarted(client, wanted));
  } finally {
    if (rm) await containersOf(client).delete({ name, namespace });
  }
}

/** Detached: prints the container's ID, exit code 0. Else the exit code is the container's. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals, rest } = parseLeading(args, options, 1);
  const [image] = positionals;
  if (image === undefined) throw new UsageError('name the image: bay run IMAGE [COMMAND]');
  const client = await openClient({ name: values.cluster, kubeconfig: values.kubeconfig });
  try {
    const namespace = values.namespace ?? 'default';
    const detach = values.detach === true;
    const rm = values.rm === true;
    const flags = { ...values, rm: rm && detach };
    const wanted = containerDocument(flags, image, rest, namespace);
    const made = await containersOf(client).create(wanted);
    if (!detach) return await foreground(client, made, rm);
    const { status, metadata } = await untilStarted(client, made);
    process.stdout.write(`${status?.containerID ?? metadata.name}\n`);
    return 0;
  } finally {
    client.close();
  }
}
