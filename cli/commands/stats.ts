/** `bay stats`: what containers use, once or over and over. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RemoteClient } from '#api/client/client.ts';
import { StatusError } from '#api/resources/status.ts';
import { clientOptions, parse } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { type Container, containersOf } from '../container.ts';
import { filesPath } from '../files.ts';
import { findContainer, idOf, nameOf } from '../find-container.ts';
import { humanSize } from '../images.ts';
import { type Columns, type Row, renderRows } from '../listing.ts';

const options = {
  ...clientOptions,
  all: { type: 'boolean', short: 'a' },
  'no-stream': { type: 'boolean' },
  'no-trunc': { type: 'boolean' },
  format: { type: 'string' },
} as const;

/** As the node tells it (node-agent/operations/activity.ts). */
export interface Sample {
  readonly timeNanos: number;
  readonly cpuNanos: number;
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly pids: number;
}

const columns: Columns = [
  ['CONTAINER ID', 'ID'],
  ['NAME', 'Name'],
  ['CPU %', 'CPUPerc'],
  ['MEM USAGE / LIMIT', 'MemUsage'],
  ['MEM %', 'MemPerc'],
  ['NET I/O', 'NetIO'],
  ['BLOCK I/O', 'BlockIO'],
  ['PIDS', 'PIDs'],
];

/** How long apart two looks are: CPU shares are of the time between. */
const periodMs = 1_000;

/** Memory in powers of 1024, as docker shows it: `1.5MiB`. */
export function binarySize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let [size, unit] = [bytes, 0];
  while (size >= 1024 && unit < units.length - 1) [size, unit] = [size / 1024, unit + 1];
  return `${Number(size.toPrecision(4))}${units[unit]}`;
}

/** Pure: one line; `now` absent: it does not run. */
export function rowOf(container: Container, now?: Sample, before?: Sample): Row {
  const facts = { ID: idOf(container), Name: nameOf(container), Container: nameOf(container) };
  if (now === undefined) {
    const nothing = { NetIO: '0B / 0B', BlockIO: '0B / 0B', PIDs: '0' };
    return { ...facts, CPUPerc: '0.00%', MemUsage: '0B / 0B', MemPerc: '0.00%', ...nothing };
  }
  const elapsed = before === undefined ? 0 : now.timeNanos - before.timeNanos;
  const used = before === undefined ? 0 : now.cpuNanos - before.cpuNanos;
  const cpu = elapsed > 0 && used > 0 ? (100 * used) / elapsed : 0;
  const memory = now.memoryLimitBytes > 0 ? (100 * now.memoryBytes) / now.memoryLimitBytes : 0;
  return {
    ...facts,
    CPUPerc: `${cpu.toFixed(2)}%`,
    MemUsage: `${binarySize(now.memoryBytes)} / ${binarySize(now.memoryLimitBytes)}`,
    MemPerc: `${memory.toFixed(2)}%`,
    NetIO: `${humanSize(now.receivedBytes)} / ${humanSize(now.sentBytes)}`,
    BlockIO: `${humanSize(now.readBytes)} / ${humanSize(now.writtenBytes)}`,
    PIDs: String(now.pids),
  };
}

/** Undefined for one that does not run (any more). */
async function sampleOf(client: RemoteClient, { metadata }: Container) {
  const { name, namespace = 'default' } = metadata;
  try {
    return (await client.request('GET', filesPath({ text: name, namespace }, 'stats'))) as Sample;
  } catch (error) {
    if (error instanceof StatusError && [404, 409].includes(error.code)) return undefined;
    throw error;
  }
}

const isRunning = ({ status }: Container): boolean =>
  status?.phase === 'running' || status?.phase === 'paused';

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  const { namespace = 'default', format } = values;
  const client = await openClient(values);
  const chosen = async (): Promise<Container[]> => {
    if (positionals.length > 0) {
      return Promise.all(positionals.map((text) => findContainer(client, text, namespace)));
    }
    const { items } = await containersOf(client).list({ namespace });
    return items.filter((one) => values.all === true || isRunning(one));
  };
  try {
    let before = new Map<string, Sample>();
    const look = async (): Promise<readonly Row[]> => {
      const containers = await chosen();
      const samples = await Promise.all(containers.map((one) => sampleOf(client, one)));
      const rows = containers.map((one, i) => rowOf(one, samples[i], before.get(idOf(one))));
      const known = containers.map((one, i) => [idOf(one), samples[i]] as const);
      before = new Map(known.filter((pair): pair is [string, Sample] => pair[1] !== undefined));
      return rows.map((row) =>
        values['no-trunc'] === true ? row : { ...row, ID: row['ID']?.slice(0, 12) ?? '' },
      );
    };
    await look();
    const clear = process.stdout.isTTY ? '\u001b[2J\u001b[H' : '';
    do {
      await sleep(periodMs);
      const text = renderRows(await look(), columns, format);
      process.stdout.write(`${values['no-stream'] === true ? '' : clear}${text}\n`);
    } while (values['no-stream'] !== true);
    return 0;
  } finally {
    client.close();
  }
}
