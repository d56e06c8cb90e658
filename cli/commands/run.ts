/** `bay run`: a Container document, and a session with it unless detached. */

import type { RemoteClient } from '#api/client/client.ts';
import { parseLeading, serverOptions, UsageError } from '../arguments.ts';
import { openClientOfRun } from '../connection.ts';
import { containersOf } from '../container.ts';
import { createNamed } from '../container-name.ts';
import { keyBytes, usualDetachKeys } from '../detach-keys.ts';
import { errorText } from '../errors.ts';
import { FollowedContainer } from '../followed-container.ts';
import { attended, type Foreground, NotStarted, untilStarted } from '../foreground.ts';
import { runOptions } from '../run/flags.ts';
import { withPublished } from '../run/image.ts';
import { withShared } from '../run/sharing.ts';
import { containerDocument } from '../run-options.ts';
import { abortOnSignals } from '../signals.ts';

const options = {
  ...runOptions,
  ...serverOptions,
  'detach-keys': { type: 'string' },
  'sig-proxy': { type: 'boolean' },
  namespace: { type: 'string', short: 'n' },
} as const;

interface How extends Omit<Foreground, 'stdin'> {
  readonly rm: boolean;
}

/** One that somebody gives up while it is on its way is not left behind: docker would not have made it yet. */
async function startedOrGone(
  client: RemoteClient,
  followed: FollowedContainer,
  rm: boolean,
): Promise<void> {
  const { signal, stop } = abortOnSignals();
  try {
    await untilStarted(followed, signal);
  } catch (error) {
    const { name, namespace = 'default' } = followed.last.metadata;
    if (signal.aborted || rm) await containersOf(client).delete({ name, namespace });
    throw error;
  } finally {
    stop();
  }
}

/**
 * With --rm in the foreground it is we who remove it: what it wrote must be read to the end first. One that was left by the
 * detach keys or a signal goes when it ends.
 */
async function foreground(
  client: RemoteClient,
  followed: FollowedContainer,
  how: How,
): Promise<number> {
  const { name, namespace = 'default' } = followed.last.metadata;
  await startedOrGone(client, followed, how.rm);
  let isLeft = false;
  try {
    const { code, left } = await attended(client, followed, { ...how, stdin: true });
    isLeft = left;
    return code;
  } finally {
    const ours = containersOf(client);
    if (how.rm && isLeft)
      await ours.patch({ name, namespace }, { spec: { autoRemove: true } }, 'merge');
    else if (how.rm) await ours.delete({ name, namespace });
  }
}

/**
 * Detached: prints the container's ID, exit code 0. Else the exit code is the container's; 125, 126 and 127 as docker has
 * them for one that could not be started.
 */
export async function run(args: readonly string[]): Promise<number> {
  try {
    return await runContainer(args);
  } catch (error) {
    process.stderr.write(`bay: ${errorText(error)}\n`);
    return error instanceof NotStarted ? error.exitCode : notRunCode;
  }
}

/** What docker's `run` ends with when it is not the program that failed. */
const notRunCode = 125;

async function runContainer(args: readonly string[]): Promise<number> {
  const { values, positionals, rest } = parseLeading(args, options, 1);
  const [image] = positionals;
  if (image === undefined) throw new UsageError('name the image: bay run IMAGE [COMMAND]');
  if (values.tty && values.interactive && !values.detach && !process.stdin.isTTY)
    throw new NotStarted('the input device is not a TTY: leave -t away, or type on a terminal', 1);
  const detachKeys = keyBytes(values['detach-keys'] ?? usualDetachKeys);
  const client = await openClientOfRun(values);
  let followed: FollowedContainer | undefined;
  try {
    const namespace = values.namespace ?? 'default';
    const detach = values.detach === true;
    const rm = values.rm === true;
    const flags = { ...values, rm: rm && detach };
    const document = containerDocument(flags, image, rest, namespace);
    const shared = await withShared(client, document, 'now');
    const wanted = await withPublished(client, shared, values);
    const made =
      values.name === undefined
        ? await containersOf(client).create(wanted)
        : await createNamed(client, wanted);
    const sigProxy = values['sig-proxy'] !== false;
    followed = new FollowedContainer(client, made);
    if (!detach) return await foreground(client, followed, { rm, detachKeys, sigProxy });
    const { status, metadata } = await untilStarted(followed);
    process.stdout.write(`${status?.containerID ?? metadata.name}\n`);
    return 0;
  } finally {
    followed?.close();
    client.close();
  }
}
