/** `bay status`: the parts of the cluster on this machine, and the cluster's nodes. */
import { readFileSync } from 'node:fs';
import type { RemoteClient } from '#api/client/client.ts';
import { nodes, pods } from '#api/resources/resource-types.ts';
import type { Node, Pod } from '#api/resources/types.ts';
import { clusterOptions, parse } from '../arguments.ts';
import { clusterOf, readUpState, startTimeOf } from '../cluster.ts';
import { openClient } from '../connection.ts';
import { renderTable } from '../table.ts';

/** Proportional memory in MiB (proc(5), smaps_rollup). */
function memory(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const kib = Number(/^Pss: +(\d+)/m.exec(text)?.[1] ?? 0);
    return `${(kib / 1024).toFixed(1)} MiB`;
  } catch {
    return '';
  }
}

async function nodeRows(client: RemoteClient): Promise<string[][]> {
  const [nodeList, podList] = await Promise.all([
    client.collection<Node>(nodes).list(),
    client.collection<Pod>(pods).list(),
  ]);
  return nodeList.items.map(({ metadata, status }) => {
    const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
    const here = podList.items.filter(({ spec }) => spec?.nodeName === metadata.name);
    return [metadata.name, ready ? 'Ready' : 'NotReady', `${here.length}`];
  });
}

/** Exit code 0 when all is ready, 1 when not. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parse(args, clusterOptions);
  const cluster = clusterOf(values);
  const state = readUpState(cluster);
  if (state === undefined) {
    process.stdout.write(`cluster '${cluster.name}' is not up; start it with 'bay up'\n`);
    return 1;
  }
  const parts: [string, number][] = [['bay up', state.pid], ...Object.entries(state.parts)];
  const rows = parts.map(([part, pid]) => {
    const alive = startTimeOf(pid) !== undefined;
    return [part, String(pid), alive ? 'running' : 'being started', alive ? memory(pid) : ''];
  });
  process.stdout.write(`${renderTable(['PART', 'PID', 'STATE', 'MEMORY'], rows)}\n\n`);
  const client = await openClient(values);
  try {
    const table = renderTable(['NODE', 'STATE', 'PODS'], await nodeRows(client));
    process.stdout.write(`${table}\n`);
  } finally {
    client.close();
  }
  return state.ready ? 0 : 1;
}
