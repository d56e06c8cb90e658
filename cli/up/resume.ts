/**
 * What `bay up` does when its rest is broken: `node cli/up/resume.ts RUN-DIR EVENT`. `ended:PID:CODE` starts the part again,
 * after a pause that grows; `signal:NUMBER` stops the cluster.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { readSettings, readUpState, writeUpState } from '../cluster.ts';
import { backoffAfter } from './keeper.ts';
import { removeNodeNetwork } from './node-network.ts';
import { type PartName, startPart } from './part-programs.ts';
import { stopContainers } from './readiness.ts';
import { readRestState, rest } from './rest.ts';
import { signalName, untilSignal } from './signals.ts';

const say = (text: string): void => void process.stdout.write(`${text}\n`);
/** A clean stop of a part may take this long before SIGKILL. */
const stopGraceMs = 20_000;
const pollMs = 20;

const [runDir, event = ''] = process.argv.slice(2);
if (runDir === undefined) {
  process.stderr.write('usage: node cli/up/resume.ts RUN-DIR EVENT\n');
  process.exit(2);
}
const asked = untilSignal();
let isAsked = false;
void asked.then(() => {
  isAsked = true;
});
const { cluster, history } = readRestState(runDir);
const parts: Record<string, number> = { ...readUpState(cluster)?.parts };

/** Ended, whether or not somebody has taken notice (a zombie). */
function isOver(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return true;
  }
}

async function stopPart(pid: number): Promise<void> {
  if (isOver(pid)) return;
  process.kill(pid, 'SIGTERM');
  const deadline = Date.now() + stopGraceMs;
  while (!isOver(pid)) {
    if (Date.now() > deadline) process.kill(pid, 'SIGKILL');
    await sleep(pollMs);
  }
}

async function bringDown(signal: string): Promise<void> {
  say(`${signal}: stopping the cluster`);
  const settings = readSettings(cluster);
  if (settings !== undefined) await stopContainers(cluster, settings, say);
  for (const pid of Object.values(parts).toReversed()) await stopPart(pid);
  if (settings !== undefined) await removeNodeNetwork(cluster, settings);
  say('stopped; the documents are kept, the next `bay up` starts what they say');
}

/** Starts the part that ended, as often as it takes; `undefined` if somebody asks for the end first. */
async function startAgain(name: PartName, code: number) {
  let { startedAt = 0, backoffMs } = history[name] ?? {};
  for (;;) {
    backoffMs = backoffAfter(Date.now() - startedAt, backoffMs);
    say(`${name} ended (exit code ${code}); again in ${backoffMs} ms`);
    await Promise.race([sleep(backoffMs), asked]);
    if (isAsked) return undefined;
    startedAt = Date.now();
    try {
      parts[name] = (await startPart(cluster, name)).pid;
      writeUpState(cluster, { ready: true, parts });
      return { startedAt, backoffMs };
    } catch (error) {
      say((error as Error).message);
    }
  }
}

async function resume(): Promise<void> {
  const [kind, first, code] = event.split(':');
  if (kind === 'signal') return bringDown(signalName(Number(first)));
  // A child of no part: a helper of ours that has done its work.
  const name = (Object.keys(parts) as PartName[]).find((part) => parts[part] === Number(first));
  const again = name === undefined ? undefined : await startAgain(name, Number(code));
  const known = name === undefined || again === undefined ? history : { ...history, [name]: again };
  if (!isAsked) await rest({ cluster, history: known }, () => !isAsked);
  return bringDown(await asked);
}

await resume();
process.exit(0);
