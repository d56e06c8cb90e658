/**
 * Long lives of the container runtime: `node bench/endurance.ts [cycles] [deaths] [adopted]`. Containers come and go, agents
 * are killed at random over 50 of them, a new agent takes many over. Ends with 1 when anything was lost or left.
 */
import { execFileSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import {
  agentsDie,
  cycles,
  footprint,
  wakeAllThreads,
} from '../test/node-agent/container/endurance.ts';
import {
  containerSpec,
  sandboxSpec,
  startNode,
  stopNode,
  type TestNode,
  traces,
} from '../test/node-agent/container/node.ts';
import { leftOver, machine } from '../test/support/machine.ts';
import { seededRandom } from '../test/support/seeded-random.ts';
import { ms, printTable } from './measure.ts';

const [cycleCount = 10_000, deathCount = 200, adoptedCount = 500] = process.argv
  .slice(2)
  .map(Number);
const agentContainers = 50;
const perSandbox = 10;
/** Of the agent's own work in one turn of its event loop. */
const mostTurnMs = 10;

type Row = Record<string, string | number>;

async function comeAndGo(node: TestNode): Promise<Row> {
  await wakeAllThreads(node);
  await cycles(node, 20);
  const before = footprint();
  const started = performance.now();
  await cycles(node, cycleCount);
  const seconds = (performance.now() - started) / 1000;
  const after = footprint();
  const grown = after.rssMiB - before.rssMiB;
  const left = [
    after.descriptors - before.descriptors,
    after.threads - before.threads,
    after.children,
  ];
  return {
    what: `${cycleCount} × sandbox, start, exit, delete, 4 at a time`,
    result: `${(cycleCount / seconds).toFixed(0)}/s; memory ${grown.toFixed(1)} MiB more; descriptors, threads, children more: ${left.join(', ') || 'none'}`,
  };
}

async function die(node: TestNode): Promise<Row> {
  const { random, seed } = seededRandom();
  const wanted = { rounds: deathCount, containers: agentContainers, random };
  const { lost, doubled, unreported, ran } = await agentsDie(node, wanted);
  if (lost.length + doubled.length + unreported.length > 0) process.exitCode = 1;
  return {
    what: `agent killed ${deathCount} times over ${agentContainers} containers (SEED=${seed})`,
    result: `${ran} ran; lost ${lost.length}, doubled ${doubled.length}, unreported ${unreported.length}`,
  };
}

async function adoptMany(node: TestNode): Promise<Row> {
  const sandboxes: string[] = [];
  const ids: string[] = [];
  const pod = async () => {
    const sandbox = sandboxSpec(node);
    await node.runtime.createSandbox(sandbox);
    sandboxes.push(sandbox.id);
    for (let one = 0; one < perSandbox; one += 1) {
      const spec = containerSpec(node, sandbox.id, { args: ['sleep', '100000'] });
      await node.runtime.start(spec);
      ids.push(spec.id);
    }
  };
  const lane = async () => {
    while (ids.length < adoptedCount) await pod();
  };
  await lane();
  node.runtime.close();
  const program = new URL('./adopt-many.ts', import.meta.url).pathname;
  const results = Array.from({ length: 5 }, () =>
    JSON.parse(
      execFileSync(process.execPath, [program, node.directory, node.cgroupRoot], {
        encoding: 'utf8',
      }),
    ),
  ).sort((a, b) => a.wallMs - b.wallMs);
  const { running, wallMs, cpuMs, blockMs, turnMs } = results[2];
  if (running !== ids.length || turnMs > mostTurnMs) process.exitCode = 1;
  return {
    what: `${ids.length} running containers in ${sandboxes.length} sandboxes, taken over by a new agent`,
    result: `${running} in ${ms(wallMs)} (processor ${ms(cpuMs)}, event loop held ${ms(turnMs)} at most, by the clock ${ms(blockMs)})`,
  };
}

const before = machine();
const rows: Row[] = [];
for (const part of [comeAndGo, die, adoptMany]) {
  const node = await startNode('endurance');
  try {
    rows.push(await part(node));
  } finally {
    await stopNode(node);
  }
  const left = traces(node);
  if (left.length > 0) {
    process.exitCode = 1;
    console.error(left.join('\n'));
  }
}
const left = await leftOver(before);
if (Object.keys(left).length > 0) process.exitCode = 1;
rows.push({ what: 'left on the machine', result: JSON.stringify(left) });
printTable('Endurance', rows);
