/** `bay update`: other limits and another restart policy for containers, also while they run. */
import type { RemoteClient } from '#api/client/client.ts';
import { clientOptions, parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { type Container, containersOf } from '../container.ts';
import { errorText } from '../errors.ts';
import { findContainer } from '../find-container.ts';
import { isUp } from '../lifecycle.ts';
import { memoryOf } from '../memory-size.ts';
import { restartOf } from '../restart-policy.ts';

import { until } from '../up/readiness.ts';

const options = {
  ...clientOptions,
  memory: { type: 'string', short: 'm' },
  'memory-reservation': { type: 'string' },
  cpus: { type: 'string' },
  'cpu-shares': { type: 'string', short: 'c' },
  'pids-limit': { type: 'string' },
  restart: { type: 'string' },
} as const;

interface Flags {
  readonly memory?: string | undefined;
  readonly 'memory-reservation'?: string | undefined;
  readonly cpus?: string | undefined;
  readonly 'cpu-shares'?: string | undefined;
  readonly 'pids-limit'?: string | undefined;
  readonly restart?: string | undefined;
}

/** A whole number. @throws UsageError naming the flag */
function whole(text: string, flag: string, min: number): number {
  const number = Number(text);
  if (/^-?\d+$/.test(text) && number >= min && Number.isSafeInteger(number)) return number;
  throw new UsageError(`${flag} '${text}': a whole number, at least ${min}`);
}

/** `0` takes the limit away, as docker has it. */
const orNone = <T>(value: T, none: boolean): T | null => (none ? null : value);

/** Pure: the changes of the document. @throws UsageError naming the flag that is wrong */
export function updateOf(flags: Flags): Record<string, unknown> {
  const { memory, cpus, restart } = flags;
  const resources: Record<string, unknown> = {};
  if (memory !== undefined) resources['memory'] = orNone(memoryOf(memory, '-m'), memory === '0');
  const reservation = flags['memory-reservation'];
  if (reservation !== undefined) {
    const bytes = memoryOf(reservation, '--memory-reservation');
    resources['memoryReservation'] = orNone(bytes, reservation === '0');
  }
  if (cpus !== undefined) {
    if (!/^\d+(\.\d+)?$/.test(cpus)) throw new UsageError(`--cpus '${cpus}': a number`);
    resources['cpu'] = orNone(cpus, Number(cpus) === 0);
  }
  const shares = flags['cpu-shares'];
  if (shares !== undefined) {
    resources['cpuShares'] = orNone(whole(shares, '--cpu-shares', 0), shares === '0');
  }
  const pids = flags['pids-limit'];
  if (pids !== undefined) {
    const most = whole(pids, '--pids-limit', -1);
    resources['pids'] = orNone(most, most <= 0);
  }
  const policy = restart === undefined ? {} : restartOf(restart);
  return { ...(Object.keys(resources).length === 0 ? {} : { resources }), ...policy };
}

/** The node has made the limits true. @throws Error with what it said when it could not */
async function untilMade(client: RemoteClient, { metadata }: Container): Promise<void> {
  const { name, namespace = 'default', generation = 0 } = metadata;
  await until(`container ${name} to have its new limits`, async () => {
    const found = await containersOf(client).get({ name, namespace });
    const told = found.status?.conditions?.find(({ type }) => type === 'Limited');
    if ((told?.observedGeneration ?? 0) < generation) return !isUp(found);
    if (told?.status === 'True') return true;
    throw new Error(`Cannot update container ${name}: ${told?.message ?? 'the node refused it'}`);
  });
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  if (positionals.length === 0) throw new UsageError('name the container: bay update -m 64m NAME');
  const spec = updateOf(values);
  if (Object.keys(spec).length === 0) {
    throw new UsageError('you must provide one or more flags when using this command');
  }
  const { namespace = 'default' } = values;
  const client = await openClient(values);
  let code = 0;
  try {
    for (const text of positionals) {
      try {
        const { metadata } = await findContainer(client, text, namespace);
        const ref = { name: metadata.name, namespace };
        const changed = await containersOf(client).patch(ref, { spec }, 'merge');
        if (changed.metadata.generation !== metadata.generation) await untilMade(client, changed);
        process.stdout.write(`${text}\n`);
      } catch (error) {
        process.stderr.write(`bay: ${errorText(error)}\n`);
        code = 1;
      }
    }
    return code;
  } finally {
    client.close();
  }
}
