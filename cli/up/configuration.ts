/** The configuration files of the parts, written by `bay up` below `<run-dir>/config`. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Cluster, type Settings, writeJson } from '../cluster.ts';
import { clusterCidrOf, nodeNetworkOf, nodePlaces } from './node-places.ts';
import type { ProgramName } from './part-programs.ts';

const home = resolve(import.meta.dirname, '../..');

export const serverUrl = (settings: Settings): string => `https://127.0.0.1:${settings.port}`;

/** Where a part's configuration file is. */
export const configurationPath = (cluster: Cluster, part: ProgramName): string =>
  join(cluster.runDir, 'config', `${part}.json`);

/** Writes the files of all parts. */
export function writeConfiguration(
  cluster: Cluster,
  settings: Settings,
  etcdEndpoints: readonly string[],
): void {
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
  const [first, ...others] = nodePlaces(cluster, settings);
  const outside = first === undefined || first.address === '127.0.0.1' ? undefined : first.address;
  writeJson(configurationPath(cluster, 'api'), {
    ...places,
    port: settings.port,
    pki: cluster.pki,
    etcdEndpoints,
    ...(outside === undefined ? {} : { moreAddresses: [outside], advertiseAddress: outside }),
  });
  const caKey = join(cluster.pki, 'ca.key');
  writeJson(configurationPath(cluster, 'controller'), {
    ...identity('controller'),
    caKey,
    crds: join(home, 'crds'),
    repositories: join(cluster.dataDir, 'repositories'),
    clusterCidr: clusterCidrOf(settings),
  });
  for (const place of nodePlaces(cluster, settings)) {
    mkdirSync(place.runDir, { recursive: true, mode: 0o700 });
    mkdirSync(place.dataDir, { recursive: true, mode: 0o700 });
    writeJson(configurationPath(cluster, place.part as ProgramName), {
      clusterName: cluster.name,
      ...identity(`node-${place.name}`),
      server: `https://${outside ?? '127.0.0.1'}:${settings.port}`,
      nodeName: place.name,
      bindAddress: place.address,
      port: settings.agentPort,
      dataDir: place.dataDir,
      runDir: place.runDir,
      podCidr: place.podCidr,
      clusterCidr: clusterCidrOf(settings),
      ...(others.length > 0 && place.number === 1
        ? { nodeCidr: nodeNetworkOf(settings).cidr }
        : {}),
      bridge: place.bridge,
      cgroupRoot: place.cgroupRoot,
      baseImage: join(home, 'native/build/base-image.tar'),
    });
  }
}
