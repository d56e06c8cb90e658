/** Long lives: containers come and go, agents die, and nothing is lost, doubled, unreported or left. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerSpec } from '#node-agent/container/runtime.ts';
import { beginLife, killLife, takeOver } from './agent-life.ts';
import { containerSpec, exited, newId, sandboxSpec, type TestNode } from './node.ts';

/** Makes a sandbox with a container, lets it end, and takes all of it away, its log, too. */
export async function cycle(node: TestNode): Promise<void> {
  const sandbox = sandboxSpec(node);
  await node.runtime.createSandbox(sandbox);
  const spec = containerSpec(node, sandbox.id, { args: ['sh', '-c', 'exit 3'] });
  await node.runtime.start(spec);
  const { exitCode } = await exited(node, spec.id);
  if (exitCode !== 3) throw new Error(`container ${spec.id} ended with ${exitCode}, not 3`);
  await node.runtime.remove(spec.id);
  await node.runtime.removeSandbox(sandbox.id);
  await node.runtime.removeLayer(spec.layerDir);
  rmSync(spec.logPath);
}

/**
 * Threads are made when they are wanted first, those that start supervisors (native/src/pool.cc) when all are busy: with
 * so many at once they are, and from now on all are there.
 */
export async function wakeAllThreads(node: TestNode): Promise<void> {
  for (let round = 0; round < 2; round++) {
    await Promise.all(Array.from({ length: 16 }, () => cycle(node)));
  }
}

/** Four at a time. `each` hears after every hundred. */
export async function cycles(
  node: TestNode,
  count: number,
  each: (done: number) => void = () => undefined,
): Promise<void> {
  let begun = 0;
  let done = 0;
  const lane = async () => {
    while (begun < count) {
      begun += 1;
      await cycle(node);
      done += 1;
      if (done % 100 === 0) each(done);
    }
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
}

/** Of this process, whose supervisors are its children. */
export function footprint() {
  const status = readFileSync('/proc/self/status', 'utf8');
  const figure = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    threads: figure('Threads'),
    rssMiB: figure('VmRSS') / 1024,
    children: readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim(),
  };
}

/** Where containers and agents write down what they did. */
export const ledgerOf = (node: TestNode): string => `${node.directory}/ledger`;

const linesOf = (path: string): string[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : [];

/** A container that writes its id when its program begins. `kind`: `long` runs until it is told to end. */
export function witnessed(
  node: TestNode,
  sandboxId: string,
  { id = newId(), kind }: { readonly id?: string; readonly kind: 'long' | 'short' },
): ContainerSpec {
  const rest = kind === 'long' ? 'trap "exit 5" TERM; while :; do sleep 0.2; done' : 'exit 4';
  return containerSpec(node, sandboxId, {
    id,
    args: ['sh', '-c', `echo ${id} >> /ledger/ran; ${rest}`],
    mounts: [{ type: 'bind', source: ledgerOf(node), target: '/ledger', readonly: false }],
    labels: { kind },
  });
}

export interface Deaths {
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  readonly unreported: readonly string[];
  /** How many programs ran in all. */
  readonly ran: number;
}

/**
 * Lives of an agent that start and remove short containers beside long ones, each killed after a random time. In the end
 * all is removed.
 */
export async function agentsDie(
  node: TestNode,
  wanted: { readonly rounds: number; readonly containers: number; readonly random: () => number },
  each: (round: number) => void = () => undefined,
): Promise<Deaths> {
  mkdirSync(ledgerOf(node));
  for (const name of ['ran', 'reported']) writeFileSync(`${ledgerOf(node)}/${name}`, '');
  const ids = Array.from({ length: wanted.containers }, newId);
  for (let round = 0; round < wanted.rounds; round += 1) {
    const life = await beginLife(node, 'endurance-life.ts', ids);
    await sleep(wanted.random() * 150);
    await killLife(life);
    each(round + 1);
  }
  const { containers, sandboxes } = await takeOver(node);
  const known = new Map(containers.map(({ spec }) => [spec.id, spec]));
  const lost = ids.filter((id) => node.runtime.get(id)?.state.phase !== 'running');
  for (const { id } of known.values()) {
    await node.runtime.signal(id, 15);
    if (!ids.includes(id)) await exited(node, id);
    await node.runtime.remove(id);
  }
  for (const { id } of sandboxes) await node.runtime.removeSandbox(id);
  const ran = linesOf(`${ledgerOf(node)}/ran`);
  const reported = new Set([...linesOf(`${ledgerOf(node)}/reported`), ...known.keys()]);
  execFileSync('sh', [
    '-c',
    `rm -rf ${ledgerOf(node)} ${node.directory}/layer-* ${node.directory}/*.log`,
  ]);
  return {
    lost,
    doubled: ran.filter((id, index) => ran.indexOf(id) !== index),
    unreported: ran.filter((id) => !reported.has(id)),
    ran: ran.length,
  };
}
