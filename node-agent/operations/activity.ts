/** A container's processes over HTTP: `top`, `stats` and `kill`. */
import { readFile } from 'node:fs/promises';
import { totalmem, uptime } from 'node:os';
import { badRequest, failure } from '#api/resources/status.ts';
import { knownSignal } from '../pod/stop.ts';
import { type Call, sendJson } from '../server/node-api.ts';
import type { OperationsWorld, Place } from './place.ts';
import { columnsOf, processTable, readProcess } from './processes.ts';

/** A place with the process that runs there. */
export interface Running extends Place {
  readonly id: string;
  readonly pid: number;
}

/** The place while it runs. @throws StatusError 409 in Docker's words */
export function running(place: Place): Running {
  const { id, pid, name } = place;
  if (id !== undefined && pid !== undefined) return { ...place, id, pid };
  throw failure(409, 'Conflict', `container ${name} is not running`);
}

async function userNames(): Promise<ReadonlyMap<number, string>> {
  const lines = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n');
  const named = lines.map((line) => line.split(':'));
  return new Map(named.map(([name = '', , uid]) => [Number(uid ?? -1), name]));
}

export async function sendProcesses({ runtime }: OperationsWorld, place: Place, call: Call) {
  const { id } = running(place);
  const shown = columnsOf(call.query.get('ps_args') ?? '');
  const nowMs = Date.now();
  const bootMs = nowMs - uptime() * 1000;
  const pids = await runtime.processes(id);
  const found = await Promise.all(pids.map((pid) => readProcess(pid, bootMs)));
  const processes = found.filter((one) => one !== undefined);
  const machine = { nowMs, memoryBytes: totalmem(), users: await userNames() };
  sendJson(call.response, processTable(processes, shown, machine));
}

/** What went over all links of a network namespace but loopback. Pure. */
export function networkBytes(text: string): { readonly received: number; readonly sent: number } {
  let [received, sent] = [0, 0];
  for (const line of text.split('\n')) {
    const match = /^\s*([^:\s]+):\s*(.*)$/.exec(line);
    if (match === null || match[1] === 'lo') continue;
    const fields = (match[2] ?? '').split(/\s+/).map(Number);
    received += fields[0] ?? 0;
    sent += fields[8] ?? 0;
  }
  return { received, sent };
}

export async function sendStats({ runtime }: OperationsWorld, place: Place, call: Call) {
  const { id, pid } = running(place);
  const [stats, network] = await Promise.all([
    runtime.stats(id),
    readFile(`/proc/${pid}/net/dev`, 'utf8').catch(() => ''),
  ]);
  const { received, sent } = networkBytes(network);
  const limit = stats.memoryLimitBytes;
  sendJson(call.response, {
    ...stats,
    timeNanos: Number(process.hrtime.bigint()),
    memoryLimitBytes: limit < 0 ? totalmem() : Math.min(limit, totalmem()),
    receivedBytes: received,
    sentBytes: sent,
  });
}

export async function sendSignal({ runtime }: OperationsWorld, place: Place, call: Call) {
  const { id, name } = running(place);
  const text = call.query.get('signal') ?? 'SIGKILL';
  const signal = knownSignal(text);
  if (signal === undefined) throw badRequest(`Invalid signal: ${text}`);
  if (signal === 9) await runtime.kill(id);
  else await runtime.signal(id, signal);
  sendJson(call.response, { name, signal });
}
