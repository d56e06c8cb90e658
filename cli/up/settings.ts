/** The settings a cluster starts with: those it was made with, or new ones. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { UsageError } from '../arguments.ts';
import {
  type Cluster,
  defaultSettings,
  readSettings,
  type Settings,
  settingsPath,
  writeJson,
} from '../cluster.ts';
import { nodesMax } from './node-places.ts';
import { freePort, isFree } from './ports.ts';

const defaultPort = 6443;
const firstAgentPort = 10_250;
/** Ends below NodePorts (30000) and the ports that the kernel gives out. */
const agentPortsSpread = 10_000;

function parsePort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new UsageError(`--port '${text}': a port is a number from 1 to 65535`);
}

function parseNodes(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const nodes = Number(text);
  if (Number.isInteger(nodes) && nodes >= 1 && nodes <= nodesMax) return nodes;
  throw new UsageError(`--nodes '${text}': a machine holds 1 to ${nodesMax} nodes`);
}

/** An address of this machine that others reach. */
function parseListen(text: string): string {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  if (isIPv4(text) && all.some(({ address }) => address === text)) return text;
  throw new UsageError(`--listen '${text}': no IPv4 address of this machine`);
}

export interface SettingsFlags {
  readonly port?: string | undefined;
  readonly nodes?: string | undefined;
  readonly listen?: string | undefined;
}

/**
 * Where a cluster looks for its agent's port: only the default one begins at Kubernetes' own, so that clusters made in
 * the same moment do not find the same port free.
 */
function agentPorts(cluster: Cluster): number {
  if (cluster.name === 'default') return firstAgentPort;
  const hash = createHash('sha256').update(cluster.dataDir).digest();
  return firstAgentPort + 1 + (hash.readUInt16BE() % agentPortsSpread);
}

/** A directory with foreign files is never made ours. */
function makeDataDir(cluster: Cluster): void {
  mkdirSync(cluster.dataDir, { recursive: true, mode: 0o700 });
  if (readdirSync(cluster.dataDir).length === 0) return;
  throw new Error(
    `${cluster.dataDir} is not empty and holds no cluster; choose another with --data-dir`,
  );
}

/**
 * Reads the cluster's settings, or makes and keeps them. `--port` changes the port for this and later starts; the agent's
 * port, which nobody types, gives way to whoever has taken it meanwhile.
 */
export async function openSettings(cluster: Cluster, flags: SettingsFlags): Promise<Settings> {
  const port = parsePort(flags.port);
  const nodes = parseNodes(flags.nodes);
  const known = readSettings(cluster);
  const named = cluster.name !== 'default';
  if (known?.joined !== undefined)
    throw new Error(
      `this machine is a node of ${known.joined}: go on with 'bay join', or 'bay reset'`,
    );
  const settings =
    known ??
    defaultSettings(cluster, {
      api: port ?? (named ? await freePort(defaultPort + 1) : defaultPort),
      agent: await freePort(agentPorts(cluster)),
    });
  if (port !== undefined) settings.port = port;
  if (nodes !== undefined) settings.nodes = nodes;
  if (flags.listen !== undefined) settings.listen = parseListen(flags.listen);
  if ((settings.nodes ?? 1) > 1 && settings.listen !== undefined)
    throw new UsageError(
      '--nodes and --listen do not go together: nodes in namespaces of this machine are not reached from others',
    );
  if (!(await isFree(settings.port))) {
    throw new Error(`port ${settings.port} is in use; choose another with --port`);
  }
  if (!(await isFree(settings.agentPort))) settings.agentPort = await freePort(agentPorts(cluster));
  if (known === undefined) makeDataDir(cluster);
  writeJson(settingsPath(cluster), settings);
  return settings;
}
