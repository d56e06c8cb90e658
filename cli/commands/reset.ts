/** `bay reset`: stops the cluster and removes everything it made: containers, network, cgroups, documents, images. */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { clusterOptions, parse, UsageError } from '../arguments.ts';
import { type Cluster, clusterOf, readSettings } from '../cluster.ts';
import { programPath } from '../program-path.ts';
import { configurationPath } from '../up/configuration.ts';
import { ensureNodeNetwork, removeNodeNetwork } from '../up/node-network.ts';
import { type NodePlace, nodePlaces } from '../up/node-places.ts';
import { heapFlags } from '../up/node-program.ts';
import type { ProgramName } from '../up/part-programs.ts';
import { stopCluster } from './down.ts';

const options = { ...clusterOptions, yes: { type: 'boolean', short: 'y' } } as const;

/** Containers of a cluster whose parts were killed go on; the agent's own cleaner takes them away. */
async function removeContainers(cluster: Cluster): Promise<void> {
  const settings = readSettings(cluster);
  if (settings === undefined) return;
  await ensureNodeNetwork(cluster, settings);
  // The first one last: it unmounts all that is below the cluster's directories.
  for (const place of nodePlaces(cluster, settings).toReversed()) removeNode(cluster, place);
  await removeNodeNetwork(cluster, settings);
}

function removeNode(cluster: Cluster, { part, netns }: NodePlace): void {
  const config = configurationPath(cluster, part as ProgramName);
  if (!existsSync(config)) return;
  const inside = netns === undefined ? [] : ['nsenter', `--net=${netns}`];
  const program = [
    process.execPath,
    ...heapFlags('node-agent/main.ts'),
    programPath('node-agent/main.ts'),
    config,
  ];
  const [command = '', ...args] = [...inside, ...program, '--destroy'];
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`remove the cluster's containers: ${stderr.trim()}`);
}

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parse(args, options);
  const cluster = clusterOf(values);
  if (values.yes !== true) {
    throw new UsageError(`this removes the cluster '${cluster.name}' with all it holds: add --yes`);
  }
  if (existsSync(cluster.dataDir) && readSettings(cluster) === undefined) {
    throw new Error(`${cluster.dataDir} holds no cluster; nothing was removed`);
  }
  await stopCluster(cluster);
  await removeContainers(cluster);
  rmSync(cluster.runDir, { recursive: true, force: true });
  rmSync(cluster.dataDir, { recursive: true, force: true });
  process.stdout.write(`cluster '${cluster.name}' is gone\n`);
  return 0;
}
