/** The settings a cluster starts with: those it was made with, or new ones. */
import { mkdirSync, readdirSync } from 'node:fs';
import { UsageError } from '../arguments.ts';
import {
  type Cluster,
  defaultSettings,
  readSettings,
  type Settings,
  settingsPath,
  writeJson,
} from '../cluster.ts';
import { freePort, isFree } from './ports.ts';

const defaultPort = 6443;
const firstAgentPort = 10_250;

function parsePort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new UsageError(`--port '${text}': a port is a number from 1 to 65535`);
}

/** A directory with foreign files is never made ours. */
function makeDataDir(cluster: Cluster): void {
  mkdirSync(cluster.dataDir, { recursive: true, mode: 0o700 });
  if (readdirSync(cluster.dataDir).length === 0) return;
  throw new Error(
    `${cluster.dataDir} is not empty and holds no cluster; choose another with --data-dir`,
  );
}

/** Reads the cluster's settings, or makes and keeps them. `--port` changes the port for this and later starts. */
export async function openSettings(cluster: Cluster, portFlag?: string): Promise<Settings> {
  const port = parsePort(portFlag);
  const known = readSettings(cluster);
  const named = cluster.name !== 'default';
  const settings =
    known ??
    defaultSettings(cluster, {
      api: port ?? (named ? await freePort(defaultPort + 1) : defaultPort),
      agent: await freePort(firstAgentPort),
    });
  if (port !== undefined) settings.port = port;
  if (!(await isFree(settings.port))) {
    throw new Error(`port ${settings.port} is in use; choose another with --port`);
  }
  if (known === undefined) makeDataDir(cluster);
  writeJson(settingsPath(cluster), settings);
  return settings;
}
