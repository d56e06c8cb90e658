/** Which program each part of a cluster is, and how one is started. */
import { join } from 'node:path';
import { type Cluster, readSettings } from '../cluster.ts';
import { configurationPath } from './configuration.ts';
import type { Running } from './keeper.ts';
import { nodePlaces } from './node-places.ts';
import { type Held, holdNodeProgram, startNodeProgram } from './node-program.ts';

/** `agent-2`: of the machine's second node. They are told in their order and stopped in the opposite one. */
export type PartName = 'etcd' | 'api' | 'controller' | 'agent' | `agent-${number}`;

/** The parts that are our own programs. */
const programs = {
  api: 'api/main.ts',
  controller: 'controller/main.ts',
  agent: 'node-agent/main.ts',
} as const;
export type ProgramName = Exclude<PartName, 'etcd'>;

const programOf = (name: ProgramName) =>
  programs[name.startsWith('agent-') ? 'agent' : (name as keyof typeof programs)];

const logPath = (cluster: Cluster, name: ProgramName): string =>
  join(cluster.dataDir, 'log', `${name}.log`);

export const etcdDirectory = (cluster: Cluster): string => join(cluster.dataDir, 'etcd');

/** The namespace that a node's agent runs in. */
function netnsOf(cluster: Cluster, name: PartName): string | undefined {
  const settings = name.startsWith('agent-') ? readSettings(cluster) : undefined;
  if (settings === undefined) return undefined;
  return nodePlaces(cluster, settings).find(({ part }) => part === name)?.netns;
}

/** Starts one part; its configuration file is there already. */
export async function startPart(cluster: Cluster, name: PartName): Promise<Running> {
  if (name === 'etcd') {
    const { startEtcd } = await import('#api/storage/etcd-process.ts');
    return startEtcd({ dataDir: etcdDirectory(cluster) });
  }
  const path = configurationPath(cluster, name);
  return startNodeProgram(programOf(name), path, logPath(cluster, name), netnsOf(cluster, name));
}

/** Starts one of our programs before its configuration is written; it waits to be released. */
export function holdPart(cluster: Cluster, name: ProgramName): Promise<Held> {
  return holdNodeProgram(programOf(name), configurationPath(cluster, name), logPath(cluster, name));
}
