/** `bay logs`. */
import { pipeline } from 'node:stream/promises';
import { clientOptions, parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { findTarget, podPath } from '../target.ts';

const options = {
  ...clientOptions,
  container: { type: 'string', short: 'c' },
  follow: { type: 'boolean', short: 'f' },
  previous: { type: 'boolean', short: 'p' },
  tail: { type: 'string' },
  since: { type: 'string' },
  timestamps: { type: 'boolean', short: 't' },
} as const;

const unitSeconds = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/** `90s`, `10m`, `2h`, `1d` or plain seconds. */
function seconds(text: string): string {
  const match = /^(\d+)([smhd]?)$/.exec(text);
  if (match === null) throw new UsageError(`--since '${text}': write 90s, 10m, 2h or 1d`);
  return String(Number(match[1]) * unitSeconds[(match[2] || 's') as keyof typeof unitSeconds]);
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  const [name] = positionals;
  if (name === undefined) throw new UsageError('name the container: bay logs NAME');
  const query = new URLSearchParams();
  if (values.follow === true) query.set('follow', 'true');
  if (values.previous === true) query.set('previous', 'true');
  if (values.timestamps === true) query.set('timestamps', 'true');
  if (values.tail !== undefined && values.tail !== 'all') query.set('tailLines', values.tail);
  if (values.since !== undefined) query.set('sinceSeconds', seconds(values.since));
  const client = await openClient(values);
  try {
    const namespace = values.namespace ?? 'default';
    const target = await findTarget(client, name, namespace, values.container);
    const log = await client.streamRequest('GET', podPath(target, 'log', query));
    await pipeline(log, process.stdout, { end: false });
    return 0;
  } finally {
    client.close();
  }
}
