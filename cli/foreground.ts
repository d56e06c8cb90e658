/** A container in the foreground, as `bay run` and `bay start -a` have it: what it writes, what is typed, its exit code. */
import type { RemoteClient } from '#api/client/client.ts';
import { type Container, failedStart, trouble } from './container.ts';
import type { FollowedContainer } from './followed-container.ts';
import { detachedCode, runSession } from './session.ts';
import { abortOnSignals, codeOfSignal, forwardSignals } from './signals.ts';
import { podPath } from './target.ts';

/** An image may have to be pulled; then it is said what is waited for. */
const startLimitMs = 60_000;

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
  followed: FollowedContainer,
  signal?: AbortSignal,
): Promise<Container> {
  const { name } = followed.last.metadata;
  const hasBegun = (container: Container) =>
    failedStart(container) !== undefined ||
    ['running', 'exited'].includes(container.status?.phase ?? '');
  const limit = { limitMs: startLimitMs, signal };
  const found = await followed.until(hasBegun, limit).catch((error: Error) => {
    if (signal?.aborted === true) {
      const why = `container ${name} was given up before it ran: ${signal.reason}`;
      throw new NotStarted(why, codeOfSignal(signal));
    }
    throw new Error(trouble(followed.last) ?? error.message, { cause: error });
  });
  if (found === undefined) throw new Error(`container ${name} was removed before it ran`);
  const exitCode = failedStart(found);
  if (exitCode !== undefined) {
    throw new NotStarted(trouble(found) ?? `container ${name} cannot be run`, exitCode);
  }
  return found;
}

/** Whoever removes it meanwhile: it has ended then, and with what is only known if it was told before. */
async function untilEnded(followed: FollowedContainer, leaving: AbortSignal): Promise<number> {
  const hasEnded = ({ status }: Container) => ['exited', 'dead'].includes(status?.phase ?? '');
  await followed.until(hasEnded, { signal: leaving }).catch((error: unknown) => {
    if (!leaving.aborted) throw error;
  });
  return followed.last.status?.exitCode ?? 0;
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
  followed: FollowedContainer,
  how: Foreground,
): Promise<Attended> {
  const { metadata, spec } = followed.last;
  const { name, namespace = 'default' } = metadata;
  if (how.sigProxy && spec.tty !== true) {
    const stop = forwardSignals(client, { name, namespace });
    return untilLeft(client, followed, how, new AbortController().signal).finally(stop);
  }
  const { signal, stop } = abortOnSignals();
  const end = await untilLeft(client, followed, how, signal).finally(stop);
  return signal.aborted ? { code: codeOfSignal(signal), left: true } : end;
}

async function untilLeft(
  client: RemoteClient,
  followed: FollowedContainer,
  { stdin, detachKeys }: Foreground,
  leaving: AbortSignal,
): Promise<Attended> {
  const container = followed.last;
  const { tty = false, stdin: isOpen = false } = container.spec;
  if (!tty && !(isOpen && stdin)) {
    await followLog(client, container, leaving);
    return { code: await untilEnded(followed, leaving), left: false };
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
