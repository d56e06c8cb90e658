/** `bay down`: ends the cluster's `bay up` and with it all its parts and containers; of a node that joined, its agent. */
import { setTimeout as sleep } from 'node:timers/promises';
import { clusterOptions, parse } from '../arguments.ts';
import { type Cluster, clusterOf, readSettings, readUpState } from '../cluster.ts';

const deadlineMs = 90_000;

/** Resolves with true when a running cluster was stopped, false when none was running. */
export async function stopCluster(cluster: Cluster): Promise<boolean> {
  const state = readUpState(cluster);
  if (state === undefined) return false;
  process.kill(state.pid, 'SIGTERM');
  const deadline = Date.now() + deadlineMs;
  while (readUpState(cluster)?.pid === state.pid) {
    if (Date.now() > deadline) throw new Error(`bay up (pid ${state.pid}) did not end in 90 s`);
    await sleep(20);
  }
  return true;
}

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parse(args, clusterOptions);
  const cluster = clusterOf(values);
  const stopped = await stopCluster(cluster);
  const isNode = readSettings(cluster)?.joined !== undefined;
  const kept = isNode ? "the node's containers go on" : 'the documents are kept';
  process.stdout.write(stopped ? `stopped; ${kept}\n` : 'the cluster is not up\n');
  return 0;
}
