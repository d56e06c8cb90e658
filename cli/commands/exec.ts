/** `bay exec`. */
import { clientOptions, parseLeading, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { runSession } from '../session.ts';
import { findTarget, podPath } from '../target.ts';

const options = {
  ...clientOptions,
  container: { type: 'string', short: 'c' },
  interactive: { type: 'boolean', short: 'i' },
  tty: { type: 'boolean', short: 't' },
} as const;

/** The exit code is the command's own. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals, rest } = parseLeading(args, options, 1);
  const [name] = positionals;
  if (name === undefined) throw new UsageError('name the container: bay exec NAME COMMAND');
  if (rest.length === 0) throw new UsageError(`say what to run in ${name}: bay exec ${name} ls`);
  const tty = values.tty === true;
  const stdin = values.interactive === true;
  const query = new URLSearchParams({ stdout: 'true', stderr: String(!tty) });
  query.set('stdin', String(stdin));
  query.set('tty', String(tty));
  for (const word of rest) query.append('command', word);
  const client = await openClient(values);
  try {
    const namespace = values.namespace ?? 'default';
    const target = await findTarget(client, name, namespace, values.container);
    return await runSession(client.credentials, podPath(target, 'exec', query), { stdin, tty });
  } finally {
    client.close();
  }
}
