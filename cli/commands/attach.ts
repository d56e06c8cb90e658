/** `bay attach`: this terminal as the streams of a container that runs. */
import { clientOptions, parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { keyBytes, usualDetachKeys } from '../detach-keys.ts';
import { findContainer } from '../find-container.ts';
import { detachedCode, runSession } from '../session.ts';
import { forwardSignals } from '../signals.ts';
import { podPath } from '../target.ts';

const options = {
  ...clientOptions,
  'no-stdin': { type: 'boolean' },
  'detach-keys': { type: 'string' },
  'sig-proxy': { type: 'boolean' },
} as const;

/** The exit code is the container's; 0 after the detach keys. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  const [text] = positionals;
  if (text === undefined || positionals.length > 1) {
    throw new UsageError('name one container: bay attach [OPTIONS] NAME');
  }
  const keys = keyBytes(values['detach-keys'] ?? usualDetachKeys);
  const client = await openClient(values);
  try {
    const { namespace = 'default' } = values;
    const { metadata, spec, status } = await findContainer(client, text, namespace);
    if (status?.phase === 'paused') {
      throw new Error('You cannot attach to a paused container, unpause it first');
    }
    if (status?.phase !== 'running') {
      throw new Error('You cannot attach to a stopped container, start it first');
    }
    const { tty = false } = spec;
    const stdin = spec.stdin === true && values['no-stdin'] !== true;
    const query = new URLSearchParams({ stdout: 'true', stderr: String(!tty) });
    query.set('stdin', String(stdin));
    query.set('tty', String(tty));
    const path = podPath({ namespace, pod: metadata.name }, 'attach', query);
    const isProxy = !tty && values['sig-proxy'] !== false;
    const stop = isProxy ? forwardSignals(client, { name: metadata.name, namespace }) : () => {};
    try {
      const code = await runSession(client.credentials, path, { stdin, tty, detachKeys: keys });
      return code === detachedCode ? 0 : code;
    } finally {
      stop();
    }
  } finally {
    client.close();
  }
}
