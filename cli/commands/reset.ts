/** `bay reset`: stops the cluster and removes everything it made: containers, network, cgroups, documents, images. */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { clusterOptions, parse, UsageError } from '../arguments.ts';
import { type Cluster, clusterOf, readSettings } from '../cluster.ts';
import { configurationPaths } from '../up/configuration.ts';
import { heapFlags } from '../up/node-program.ts';
import { stopCluster } from './down.ts';

const options = { ...clusterOptions, yes: { type: 'boolean', short: 'y' } } as const;
const agent = resolve(import.meta.dirname, '../../node-agent/main.ts');

/** Containers of a cluster whose parts were killed go on; the agent's own cleaner takes them away. */
function removeContainers(cluster: Cluster): void {
  const { agent: config } = configurationPaths(cluster);
  if (!existsSync(config)) return;
  const { status, stderr } = spawnSync(
    process.execPath,
    [...heapFlags, agent, config, '--destroy'],
    {
      encoding: 'utf8',
    },
  );
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
  removeContainers(cluster);
  rmSync(cluster.runDir, { recursive: true, force: true });
  rmSync(cluster.dataDir, { recursive: true, force: true });
  process.stdout.write(`cluster '${cluster.name}' is gone\n`);
  return 0;
}
