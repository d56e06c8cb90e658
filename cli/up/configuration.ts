/** The configuration files of the parts, written by `bay up` below `<run-dir>/config`. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Cluster, type Settings, writeJson } from '../cluster.ts';

const home = resolve(import.meta.dirname, '../..');

export interface ConfigurationPaths {
  readonly api: string;
  readonly controller: string;
  readonly agent: string;
}

export const serverUrl = (settings: Settings): string => `https://127.0.0.1:${settings.port}`;

/** Where the parts' configuration files are. */
export function configurationPaths(cluster: Cluster): ConfigurationPaths {
  const path = (name: string) => join(cluster.runDir, 'config', `${name}.json`);
  return { api: path('api'), controller: path('controller'), agent: path('agent') };
}

/** Writes the three files and resolves their paths. */
export function writeConfiguration(
  cluster: Cluster,
  settings: Settings,
  etcdEndpoints: readonly string[],
): ConfigurationPaths {
  const paths = configurationPaths(cluster);
  mkdirSync(join(cluster.runDir, 'config'), { recursive: true, mode: 0o700 });
  const identity = (name: string) => ({
    server: serverUrl(settings),
    ca: join(cluster.pki, 'ca.crt'),
    cert: join(cluster.pki, `${name}.crt`),
    key: join(cluster.pki, `${name}.key`),
  });
  const places = {
    clusterName: cluster.name,
    dataDir: cluster.dataDir,
    runDir: cluster.runDir,
    bindAddress: '127.0.0.1',
  };
  writeJson(paths.api, { ...places, port: settings.port, pki: cluster.pki, etcdEndpoints });
  writeJson(paths.controller, { ...identity('controller'), crds: join(home, 'crds') });
  writeJson(paths.agent, {
    ...places,
    ...identity(`node-${settings.nodeName}`),
    nodeName: settings.nodeName,
    port: settings.agentPort,
    podCidr: settings.podCidr,
    bridge: settings.bridge,
    cgroupRoot: settings.cgroupRoot,
    baseImage: join(home, 'native/build/base-image.tar'),
  });
  return paths;
}
