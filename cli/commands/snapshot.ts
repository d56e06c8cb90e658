/** `bay snapshot`: a container as it is now, as a Snapshot document; `--every` takes one over and over. */
import type { RemoteClient } from '#api/client/client.ts';
import type { ApiObject } from '#api/client/collection.ts';
import { snapshots } from '#api/resources/resource-types.ts';
import { clientOptions, parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { findContainer, nameOf } from '../find-container.ts';
import { until } from '../up/readiness.ts';

const options = {
  ...clientOptions,
  author: { type: 'string', short: 'a' },
  message: { type: 'string', short: 'm' },
  image: { type: 'string' },
  volume: { type: 'string', multiple: true },
  volumes: { type: 'boolean' },
  expire: { type: 'string' },
  every: { type: 'string' },
  keep: { type: 'string' },
} as const;

interface Snapshot extends ApiObject {
  readonly spec: object;
  readonly status?: {
    readonly phase?: string;
    readonly digest?: string;
    readonly conditions?: readonly { readonly type: string; readonly message?: string }[];
  };
}

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** Pure: `90s`, `10m`, `2h`, `7d` in seconds. @throws UsageError naming the flag */
export function secondsOf(text: string, flag: string): number {
  const match = /^(\d+)([smhd])$/.exec(text);
  const seconds = Number(match?.[1]) * (unitSeconds[match?.[2] ?? ''] ?? 0);
  if (seconds > 0) return seconds;
  throw new UsageError(`${flag} '${text}': write 90s, 10m, 2h or 7d`);
}

async function untilTaken(client: RemoteClient, made: Snapshot): Promise<Snapshot> {
  const { name, namespace = 'default' } = made.metadata;
  let last = made;
  await until(`snapshot ${name}`, async () => {
    last = await client.collection<Snapshot>(snapshots).get({ name, namespace });
    const { phase = '' } = last.status ?? {};
    if (phase === 'Failed') throw new Error(why(last));
    return phase === 'Ready' || phase === 'Scheduled';
  }).catch((error: Error) => {
    throw new Error(why(last) || error.message, { cause: error });
  });
  return last;
}

const why = ({ status }: Snapshot): string =>
  status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '';

/** Prints the Snapshot's name. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  const [text, wanted] = positionals;
  if (text === undefined || positionals.length > 2) {
    throw new UsageError('name one container: bay snapshot [OPTIONS] NAME [SNAPSHOT]');
  }
  const { keep, every, expire } = values;
  if (keep !== undefined && !(every !== undefined && /^[1-9]\d*$/.test(keep))) {
    throw new UsageError(`--keep '${keep}': a number, together with --every`);
  }
  const volumes = values.volumes === true ? ['*'] : values.volume;
  const client = await openClient(values);
  try {
    const { namespace = 'default' } = values;
    const container = await findContainer(client, text, namespace);
    const stamp = new Date().toISOString().replaceAll(/[-:]|\.\d+Z/g, '');
    const name = wanted ?? `${container.metadata.name}-${stamp.toLowerCase()}`;
    const made = await client.collection<Snapshot>(snapshots).create({
      apiVersion: 'bayplan.dev/v1alpha1',
      kind: 'Snapshot',
      metadata: { name, namespace },
      spec: {
        source: { container: container.metadata.name },
        image: values.image ?? `bayplan.local/snapshots/${nameOf(container).toLowerCase()}:${name}`,
        keepTimes: true,
        ...(values.message === undefined ? {} : { message: values.message }),
        ...(values.author === undefined ? {} : { author: values.author }),
        ...(volumes === undefined ? {} : { volumes: [...volumes] }),
        ...(expire === undefined ? {} : { expireAfterSeconds: secondsOf(expire, '--expire') }),
        ...(expire === undefined && keep === undefined ? {} : { removeImage: true }),
        ...(every === undefined ? {} : { schedule: scheduleOf(every, keep) }),
      },
    } as Snapshot);
    await untilTaken(client, made);
    process.stdout.write(`${name}\n`);
    return 0;
  } finally {
    client.close();
  }
}

const scheduleOf = (every: string, keep: string | undefined): object => ({
  everySeconds: secondsOf(every, '--every'),
  ...(keep === undefined ? {} : { keep: Number(keep) }),
});
