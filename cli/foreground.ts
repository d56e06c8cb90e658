/** A container in the foreground, as `bay run` and `bay start -a` have it: what it writes, what is typed, its exit code. */
import type { RemoteClient } from '#api/client/client.ts';
import { hasReason } from '#api/resources/status.ts';
import { type Container, containersOf, failedStart, trouble } from './container.ts';
import { detachedCode, runSession } from './session.ts';
import { podPath } from './target.ts';
import { until } from './up/readiness.ts';

/** The container could not be started; `exitCode` is docker's for the reason. */
export class NotStarted extends Error {
  override readonly name = 'NotStarted';
  readonly exitCode: number;
  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Resolves when the container has run, or still does; what it said so far can be had then. @throws NotStarted */
export async function untilStarted(client: RemoteClient, wanted: Container): Promise<Container> {
  const { name, namespace = 'default' } = wanted.metadata;
  let found = wanted;
  try {
    await until(`container ${name}`, async () => {
      found = await containersOf(client).get({ name, namespace });
      return (
        failedStart(found) !== undefined ||
        ['running', 'exited'].includes(found.status?.phase ?? '')
      );
    });
  } catch (error) {
    throw new Error(trouble(found) ?? (error as Error).message, { cause: error });
  }
  const exitCode = failedStart(found);
  if (exitCode !== undefined) {
    throw new NotStarted(trouble(found) ?? `container ${name} cannot be run`, exitCode);
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

export interface Foreground {
  /** What is typed goes to it, if it has its input open. */
  readonly stdin: boolean;
  /** The keys that leave a terminal while the container goes on. */
  readonly detachKeys: readonly number[];
}

/** The end of the container, or of our attention: `left` by the detach keys. Of one that has been started. */
export async function attended(
  client: RemoteClient,
  container: Container,
  { stdin, detachKeys }: Foreground,
): Promise<{ readonly code: number; readonly left: boolean }> {
  const { tty = false, stdin: isOpen = false } = container.spec;
  if (!tty && !(isOpen && stdin)) {
    await followLog(client, container);
    return { code: await untilEnded(client, container), left: false };
  }
  const { name, namespace = 'default' } = container.metadata;
  const query = new URLSearchParams({ stdout: 'true', stderr: String(!tty) });
  query.set('stdin', String(isOpen && stdin));
  query.set('tty', String(tty));
  // It runs already, and may have ended: what it wrote before is not lost.
  query.set('logs', 'true');
  const path = podPath({ namespace, pod: name }, 'attach', query);
  const options = { stdin: isOpen && stdin, tty, detachKeys };
  const code = await runSession(client.credentials, path, options);
  return code === detachedCode ? { code: 0, left: true } : { code, left: false };
}
