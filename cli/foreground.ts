/** A container in the foreground, as `bay run` and `bay start -a` have it: what it writes, what is typed, its exit code. */
import type { RemoteClient } from '#api/client/client.ts';
import { hasReason } from '#api/resources/status.ts';
import { type Container, containersOf, failedStart, trouble } from './container.ts';
import { detachedCode, runSession } from './session.ts';
import { abortOnSignals, codeOfSignal, forwardSignals } from './signals.ts';
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

/**
 * Resolves when the container has run, or still does; what it said so far can be had then. @throws NotStarted, also when
 * `signal` aborts before
 */
export async function untilStarted(
  client: RemoteClient,
  wanted: Container,
  signal?: AbortSignal,
): Promise<Container> {
  const { name, namespace = 'default' } = wanted.metadata;
  let found = wanted;
  try {
    await until(`container ${name}`, async () => {
      if (signal?.aborted === true) {
        const why = `container ${name} was given up before it ran: ${signal.reason}`;
        throw new NotStarted(why, codeOfSignal(signal));
      }
      found = await containersOf(client).get({ name, namespace });
      return (
        failedStart(found) !== undefined ||
        ['running', 'exited'].includes(found.status?.phase ?? '')
      );
    });
  } catch (error) {
    if (error instanceof NotStarted) throw error;
    throw new Error(trouble(found) ?? (error as Error).message, { cause: error });
  }
  const exitCode = failedStart(found);
  if (exitCode !== undefined) {
    throw new NotStarted(trouble(found) ?? `container ${name} cannot be run`, exitCode);
  }
  return found;
}

async function untilEnded(
  client: RemoteClient,
  container: Container,
  leaving: AbortSignal,
): Promise<number> {
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
      if (leaving.aborted) return true;
      return found === undefined || ['exited', 'dead'].includes(found.status?.phase ?? '');
    },
    Number.POSITIVE_INFINITY,
  );
  return exitCode;
}

/** Everything the container writes from its start on, to its end. */
async function followLog(
  client: RemoteClient,
  container: Container,
  leaving: AbortSignal,
): Promise<void> {
  const { name, namespace = 'default' } = container.metadata;
  const path = podPath({ namespace, pod: name }, 'log', new URLSearchParams({ follow: 'true' }));
  const log = await client.streamRequest('GET', path);
  leaving.addEventListener('abort', () => log.destroy());
  try {
    for await (const chunk of log) process.stdout.write(chunk);
  } catch (error) {
    if (!leaving.aborted) throw error;
  }
}

export interface Foreground {
  /** What is typed goes to it, if it has its input open. */
  readonly stdin: boolean;
  /** The keys that leave a terminal while the container goes on. */
  readonly detachKeys: readonly number[];
  /** docker's --sig-proxy: signals go to the container, not on a terminal; else they leave it. */
  readonly sigProxy: boolean;
}

export interface Attended {
  readonly code: number;
  /** The container goes on without us. */
  readonly left: boolean;
}

/** The end of the container, or of our attention, by the detach keys or a signal. Of one that has been started. */
export async function attended(
  client: RemoteClient,
  container: Container,
  how: Foreground,
): Promise<Attended> {
  const { name, namespace = 'default' } = container.metadata;
  if (how.sigProxy && container.spec.tty !== true) {
    const stop = forwardSignals(client, { name, namespace });
    return untilLeft(client, container, how, new AbortController().signal).finally(stop);
  }
  const { signal, stop } = abortOnSignals();
  const end = await untilLeft(client, container, how, signal).finally(stop);
  return signal.aborted ? { code: codeOfSignal(signal), left: true } : end;
}

async function untilLeft(
  client: RemoteClient,
  container: Container,
  { stdin, detachKeys }: Foreground,
  leaving: AbortSignal,
): Promise<Attended> {
  const { tty = false, stdin: isOpen = false } = container.spec;
  if (!tty && !(isOpen && stdin)) {
    await followLog(client, container, leaving);
    return { code: await untilEnded(client, container, leaving), left: false };
  }
  const { name, namespace = 'default' } = container.metadata;
  const query = new URLSearchParams({ stdout: 'true', stderr: String(!tty) });
  query.set('stdin', String(isOpen && stdin));
  query.set('tty', String(tty));
  // It runs already, and may have ended: what it wrote before is not lost.
  query.set('logs', 'true');
  const path = podPath({ namespace, pod: name }, 'attach', query);
  const options = { stdin: isOpen && stdin, tty, detachKeys, signal: leaving };
  const code = await runSession(client.credentials, path, options);
  return code === detachedCode ? { code: 0, left: true } : { code, left: false };
}
