/** `bay logs`: what containers wrote, with docker's flags and kubectl's. */
import { UsageError } from '../arguments.ts';
import { withClient } from '../documents/each.ts';
import { clientFlags, integerOf, parseFlags, type Values } from '../documents/flags.ts';
import { type LogSource, sourcesOf } from '../logs/sources.ts';
import { Streams } from '../logs/streams.ts';
import { momentOf } from '../logs/times.ts';

const flags = {
  ...clientFlags,
  namespace: { type: 'string' },
  n: { type: 'string', short: 'n', multiple: true },
  container: { type: 'string', short: 'c' },
  'all-containers': { type: 'boolean' },
  follow: { type: 'boolean', short: 'f' },
  previous: { type: 'boolean', short: 'p' },
  tail: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
  'since-time': { type: 'string' },
  timestamps: { type: 'boolean', short: 't' },
  selector: { type: 'string', short: 'l' },
  prefix: { type: 'boolean' },
  'limit-bytes': { type: 'string' },
  'max-log-requests': { type: 'string' },
  'ignore-errors': { type: 'boolean' },
} as const;

type Flags = Values<typeof flags>;

/** `-n` is kubectl's namespace; with a number it is docker's `--tail`. */
function withTail(values: Flags): Flags {
  const { n = [], ...rest } = values;
  const counts = n.filter((text) => /^\d+$/.test(text));
  const names = n.filter((text) => !/^\d+$/.test(text));
  return { tail: counts.at(-1), namespace: names.at(-1), ...defined(rest) };
}

const defined = <T extends object>(values: T): T =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;

/** Lines of a selection that are shown unless one says otherwise. */
const usualTail = '10';

const timeOf = (flag: string, text: string, nowMs: number): string =>
  new Date(momentOf(flag, text, nowMs)).toISOString();

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
  const nowMs = Date.now();
  if (since !== undefined) query.set('sinceTime', timeOf('--since', since, nowMs));
  if (values.until !== undefined) query.set('untilTime', timeOf('--until', values.until, nowMs));
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
  const { values: given, words } = parseFlags('logs', args, flags);
  const values = withTail(given);
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
