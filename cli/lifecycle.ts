/** What the commands on single containers share: they say the state that is wanted and wait for it. */
import type { RemoteClient } from '#api/client/client.ts';
import { pods } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { Pod } from '#api/resources/types.ts';
import { clientOptions, parse, UsageError } from './arguments.ts';
import { openClient } from './connection.ts';
import { type Container, containersOf, trouble } from './container.ts';
import { errorText } from './errors.ts';
import { findContainer, NoSuchContainer } from './find-container.ts';
import { until } from './up/readiness.ts';

export interface Ref {
  readonly name: string;
  readonly namespace: string;
}

const ended = ['created', 'exited', 'dead'];

/** Whether the container has a process, or will have one by itself. */
export const isUp = ({ status }: Container): boolean => !ended.includes(status?.phase ?? 'created');

export const stateOf = (container: Container): string | undefined =>
  (container.spec as { readonly state?: string }).state;

/** Says the state that is wanted of the container from now on. */
export async function want(
  client: RemoteClient,
  ref: Ref,
  state: 'Running' | 'Stopped' | 'Paused',
): Promise<Container> {
  return containersOf(client).patch(ref, { spec: { state } }, 'merge');
}

/** Waits until the container has no process; asks for nothing. */
export async function untilEnded(client: RemoteClient, ref: Ref): Promise<Container> {
  let found = await containersOf(client).get(ref);
  const holds = async () => {
    try {
      found = await containersOf(client).get(ref);
    } catch (error) {
      // Somebody removed it: it has ended, and how is not known any more.
      if (hasReason(error, 'NotFound')) return true;
      throw error;
    }
    return !isUp(found);
  };
  await until(`the end of ${ref.name}`, holds, Number.POSITIVE_INFINITY);
  return found;
}

/** Stops the container; with `graceSeconds` its pod is deleted with that instead of its own stop timeout. */
export async function stop(client: RemoteClient, ref: Ref, graceSeconds?: number): Promise<void> {
  await want(client, ref, 'Stopped');
  if (graceSeconds !== undefined) {
    const gone = client.collection<Pod>(pods).delete(ref, { gracePeriodSeconds: graceSeconds });
    await gone.catch((error: unknown) => {
      if (!hasReason(error, 'NotFound')) throw error;
    });
  }
  await untilAtRest(client, ref);
}

/** The container's Pod, if it has one now. */
async function podOf(client: RemoteClient, ref: Ref): Promise<Pod | undefined> {
  try {
    return await client.collection<Pod>(pods).get(ref);
  } catch (error) {
    if (hasReason(error, 'NotFound')) return undefined;
    throw error;
  }
}

/** The controller has taken the stop in and the pod is gone: a start begins a run of its own. */
async function untilAtRest(client: RemoteClient, ref: Ref): Promise<void> {
  const holds = async () => {
    const found = await containersOf(client)
      .get(ref)
      .catch((error: unknown) => {
        // `--rm`: with its end it goes.
        if (hasReason(error, 'NotFound')) return undefined;
        throw error;
      });
    if (found === undefined) return true;
    const { status, metadata } = found;
    const pod = await podOf(client, ref);
    const seen = (status as { observedGeneration?: number } | undefined)?.observedGeneration;
    return pod === undefined && seen === metadata.generation && ended.includes(status?.phase ?? '');
  };
  await until(`the end of ${ref.name}`, holds, Number.POSITIVE_INFINITY);
}

/** Starts the container if it does not run. A container whose run has ended is run again. */
export async function start(client: RemoteClient, ref: Ref): Promise<void> {
  const found = await containersOf(client).get(ref);
  if (found.status?.phase === 'paused') {
    throw new Error(`cannot start a paused container, try unpause instead: ${ref.name}`);
  }
  if (isUp(found) && stateOf(found) !== 'Stopped') return;
  if (stateOf(found) !== 'Stopped' && stateOf(found) !== 'Created') await stop(client, ref);
  const { startedAt } = (await containersOf(client).get(ref)).status ?? {};
  await want(client, ref, 'Running');
  let last = found;
  const holds = async () => {
    last = await containersOf(client).get(ref);
    const { status } = last;
    if (status?.phase === 'running' || status?.phase === 'dead') return true;
    if (status?.phase !== 'exited') return false;
    // Two runs may begin in one second. There was no Pod when we asked: one that has ended is of the new run.
    if (status.startedAt !== startedAt) return true;
    return ['Succeeded', 'Failed'].includes((await podOf(client, ref))?.status?.phase ?? '');
  };
  await until(`container ${ref.name}`, holds).catch((cause: Error) => {
    throw new Error(trouble(last) ?? cause.message, { cause });
  });
}

const signalOf = (signal: string | undefined): { signal?: string } =>
  signal === undefined ? {} : { signal };

/**
 * Does one thing to each named container and prints its name, or what `act` gives instead. Exit code 1 when any of
 * them failed; the others are done all the same, as docker does it.
 */
export async function eachContainer(
  args: readonly string[],
  command: string,
  act: (
    client: RemoteClient,
    ref: Ref,
    flags: { force: boolean; grace?: number; signal?: string },
  ) => unknown,
): Promise<number> {
  const options = {
    ...clientOptions,
    force: { type: 'boolean', short: 'f' },
    // Of `rm`: the volumes without a name go with their container in any case.
    volumes: { type: 'boolean', short: 'v' },
    time: { type: 'string', short: 't' },
    signal: { type: 'string', short: 's' },
  } as const;
  const { values, positionals } = parse(args, options);
  if (positionals.length === 0) throw new UsageError(`name the container: bay ${command} NAME`);
  const grace = values.time === undefined ? undefined : Number(values.time);
  if (grace !== undefined && !(Number.isInteger(grace) && grace >= 0)) {
    throw new UsageError(`--time '${values.time}': a number of seconds`);
  }
  const flags = {
    force: values.force === true,
    ...(grace === undefined ? {} : { grace }),
    ...signalOf(values.signal),
  };
  const client = await openClient(values);
  let code = 0;
  try {
    for (const name of positionals) {
      try {
        const namespace = values.namespace ?? 'default';
        const { metadata } = await findContainer(client, name, namespace);
        const text = await act(client, { name: metadata.name, namespace }, flags);
        process.stdout.write(`${text ?? name}\n`);
      } catch (error) {
        process.stderr.write(`bay: ${errorText(error)}\n`);
        // docker's: what is to be gone, whatever it is, and is not there, is as wanted.
        if (!(flags.force && error instanceof NoSuchContainer)) code = 1;
      }
    }
  } finally {
    client.close();
  }
  return code;
}
