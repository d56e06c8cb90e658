/** `bay start`: runs stopped and ended containers; with `-a` or `-i` one of them, in the foreground. */
import { clientOptions, parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { containersOf } from '../container.ts';
import { keyBytes, usualDetachKeys } from '../detach-keys.ts';
import { findContainer } from '../find-container.ts';
import { FollowedContainer } from '../followed-container.ts';
import { attended, NotStarted, untilStarted } from '../foreground.ts';
import { eachContainer, start } from '../lifecycle.ts';

const options = {
  ...clientOptions,
  attach: { type: 'boolean', short: 'a' },
  interactive: { type: 'boolean', short: 'i' },
  'detach-keys': { type: 'string' },
} as const;

/** In the foreground the exit code is the container's; 0 after the detach keys. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  const stdin = values.interactive === true;
  const detachKeys = keyBytes(values['detach-keys'] ?? usualDetachKeys);
  if (values.attach !== true && !stdin) return inTheBackground(args, values, positionals);
  const [text] = positionals;
  if (text === undefined) throw new UsageError('name the container: bay start -a NAME');
  if (positionals.length > 1)
    throw new Error('you cannot start and attach multiple containers at once');
  const client = await openClient(values);
  try {
    const { namespace = 'default' } = values;
    const { metadata } = await findContainer(client, text, namespace);
    const ref = { name: metadata.name, namespace };
    await start(client, ref);
    const followed = new FollowedContainer(client, await containersOf(client).get(ref));
    try {
      await untilStarted(followed);
      return (await attended(client, followed, { stdin, detachKeys, sigProxy: true })).code;
    } finally {
      followed.close();
    }
  } catch (error) {
    if (!(error instanceof NotStarted)) throw error;
    process.stderr.write(`bay: ${error.message}\n`);
    return 1; // docker's `start` does not tell the reasons apart
  } finally {
    client.close();
  }
}

/** Detach keys mean nothing then, as with docker. */
function inTheBackground(
  args: readonly string[],
  values: { readonly 'detach-keys'?: string | undefined },
  names: readonly string[],
): Promise<number> {
  if (values['detach-keys'] === undefined)
    return eachContainer(args, 'start', (client, ref) => start(client, ref));
  const at = args.findIndex((arg) => arg.startsWith('--detach-keys'));
  const rest = args[at]?.includes('=') === true ? args.toSpliced(at, 1) : args.toSpliced(at, 2);
  return inTheBackground(rest, {}, names);
}
