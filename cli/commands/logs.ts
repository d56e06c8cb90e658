/** `bay logs`: what containers wrote, with docker's flags and kubectl's. */
import { UsageError } from '../arguments.ts';
import { withClient } from '../documents/each.ts';
import { clientFlags, integerOf, parseFlags, type Values } from '../documents/flags.ts';
import { type LogSource, sourcesOf } from '../logs/sources.ts';
import { Streams } from '../logs/streams.ts';

const flags = {
  ...clientFlags,
  container: { type: 'string', short: 'c' },
  'all-containers': { type: 'boolean' },
  follow: { type: 'boolean', short: 'f' },
  previous: { type: 'boolean', short: 'p' },
  tail: { type: 'string' },
  since: { type: 'string' },
  'since-time': { type: 'string' },
  timestamps: { type: 'boolean', short: 't' },
  selector: { type: 'string', short: 'l' },
  prefix: { type: 'boolean' },
  'limit-bytes': { type: 'string' },
  'max-log-requests': { type: 'string' },
  'ignore-errors': { type: 'boolean' },
} as const;

type Flags = Values<typeof flags>;

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** `90s`, `10m`, `1h30m`, `1d` or plain seconds. */
function seconds(text: string): number {
  const parts = [...text.matchAll(/(\d+)([smhd])/g)];
  if (/^\d+$/.test(text)) return Number(text);
  if (parts.length === 0 || parts.map(([all]) => all).join('') !== text) {
    throw new UsageError(`--since '${text}': write 90s, 10m, 2h or 1d`);
  }
  return parts.reduce(
    (sum, [, count, unit = 's']) => sum + Number(count) * (unitSeconds[unit] ?? 0),
    0,
  );
}

/** Lines of a selection that are shown unless one says otherwise. */
const usualTail = '10';

function queryOf(values: Flags): URLSearchParams {
  const query = new URLSearchParams();
  for (const flag of ['follow', 'previous', 'timestamps'] as const) {
    if (values[flag] === true) query.set(flag, 'true');
  }
  const isSelection = values.selector !== undefined;
  const { since, 'since-time': sinceTime, tail = isSelection ? usualTail : undefined } = values;
  if (tail !== undefined && tail !== 'all' && integerOf(tail, '--tail') >= 0)
    query.set('tailLines', tail);
  if (since !== undefined && sinceTime !== undefined) {
    throw new UsageError('only one of --since-time / --since may be used');
  }
  if (since !== undefined) query.set('sinceSeconds', String(seconds(since)));
  if (sinceTime !== undefined) query.set('sinceTime', sinceTime);
  const limit = values['limit-bytes'];
  if (limit !== undefined) query.set('limitBytes', String(integerOf(limit, '--limit-bytes')));
  return query;
}

function check(values: Flags, words: readonly string[]): void {
  if (words.length === 0 && values.selector === undefined) {
    throw new UsageError(
      'name the container: bay logs NAME, bay logs pod/NAME or bay logs -l SELECTOR',
    );
  }
  if (words.length > 0 && values.selector !== undefined) {
    throw new UsageError('only a selector (-l) or a name is allowed');
  }
  if (values.container !== undefined && values['all-containers'] === true) {
    throw new UsageError('--all-containers=true should not be specified with container name');
  }
}

/** With -f no more are followed at once than is asked for. */
function limit(sources: readonly LogSource[], values: Flags): void {
  const most = integerOf(values['max-log-requests'] ?? '5', '--max-log-requests');
  if (values.follow === true && sources.length > most) {
    throw new UsageError(
      `you are attempting to follow ${sources.length} log streams, but maximum allowed concurrency is ${most}, use --max-log-requests to increase the limit`,
    );
  }
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags('logs', args, flags);
  check(values, words);
  const query = queryOf(values);
  // kubectl's way to name the container: a word after the pod.
  const [name, container = values.container] = words;
  return withClient(values, async (client) => {
    const sources = await sourcesOf(client, {
      name,
      container,
      namespace: values.namespace ?? 'default',
      selector: values.selector,
      all: values['all-containers'] === true,
    });
    limit(sources, values);
    const isTold = values['ignore-errors'] === true;
    const streams = new Streams(client, query, { prefix: values.prefix === true, tell: isTold });
    await streams.show(sources, values.follow === true);
    return 0;
  });
}
