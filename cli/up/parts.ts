/** The parts of a cluster on this machine: how each is started, and all of them at once. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensurePki, writeKubeconfig } from '#api/pki/pki.ts';
import { startEtcd } from '#api/storage/etcd-process.ts';
import type { Cluster, Settings } from '../cluster.ts';
import { configurationPaths, serverUrl, writeConfiguration } from './configuration.ts';
import { Keeper, type KeeperOptions, type Running } from './keeper.ts';
import { startNodeProgram } from './node-program.ts';
import { untilListening } from './ports.ts';

/** In the order in which they are told; they are stopped in the opposite one, so that each can say good-bye. */
export const partNames = ['etcd', 'api', 'controller', 'agent'] as const;
export type PartName = (typeof partNames)[number];

const etcdDirectory = (cluster: Cluster): string => join(cluster.dataDir, 'etcd');

/** Starts one part; its configuration file is there already. */
export function startPart(cluster: Cluster, name: PartName): Promise<Running> {
  if (name === 'etcd') return startEtcd({ dataDir: etcdDirectory(cluster) });
  const programs = {
    api: 'api/main.ts',
    controller: 'controller/main.ts',
    agent: 'node-agent/main.ts',
  } as const;
  const log = join(cluster.dataDir, 'log', `${name}.log`);
  return startNodeProgram(programs[name], configurationPaths(cluster)[name], log);
}

/** Its clients do not wait longer than this for the API server. */
const apiHeadStartMs = 3_000;

export interface PartsOptions {
  /** Endpoints of an etcd that others run; empty: our own member. */
  readonly etcdEndpoints: readonly string[];
  readonly onStart: KeeperOptions['onStart'];
  readonly onExit: KeeperOptions['onExit'];
}

/** The running parts, started side by side, each waiting by itself for what it needs. */
export class Parts {
  readonly #keepers: Keeper[] = [];
  readonly #cluster: Cluster;
  readonly #options: PartsOptions;

  constructor(cluster: Cluster, options: PartsOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  /** Makes certificates and directories where they are missing and starts everything; does not wait for readiness. */
  async start(settings: Settings): Promise<void> {
    const { dataDir, pki } = this.#cluster;
    mkdirSync(join(dataDir, 'log'), { recursive: true, mode: 0o700 });
    const own = this.#options.etcdEndpoints.length === 0;
    const etcd = own ? this.#keep('etcd') : undefined;
    const endpoints = own
      ? [`unix:${etcdDirectory(this.#cluster)}/localhost:12379`]
      : this.#options.etcdEndpoints;
    const certificates = ensurePki({ dir: pki, nodeNames: [settings.nodeName], hosts: [] });
    writeConfiguration(this.#cluster, settings, endpoints);
    await certificates;
    const programs = [this.#keep('api'), this.#keepClients(settings)];
    await Promise.all([etcd, ...programs, this.#writeKubeconfig(settings)]);
  }

  /** Ends all parts, the last started first, so that each can say good-bye to those it speaks to. */
  async stop(): Promise<void> {
    for (const keeper of this.#keepers.toReversed()) await keeper.stop();
  }

  async #keep(name: PartName): Promise<void> {
    const { onStart, onExit } = this.#options;
    const keeper = new Keeper({
      name,
      start: () => startPart(this.#cluster, name),
      onStart,
      onExit,
    });
    this.#keepers.push(keeper);
    await keeper.start();
  }

  /** They need the API server: until it listens they would only take time from it, half of a second on two processors. */
  async #keepClients({ port }: Settings): Promise<void> {
    await untilListening(port, apiHeadStartMs);
    await Promise.all([this.#keep('controller'), this.#keep('agent')]);
  }

  async #writeKubeconfig(settings: Settings): Promise<void> {
    const { pki, kubeconfig, name } = this.#cluster;
    await writeKubeconfig({
      path: kubeconfig,
      server: serverUrl(settings),
      ca: join(pki, 'ca.crt'),
      cert: join(pki, 'admin.crt'),
      key: join(pki, 'admin.key'),
      clusterName: name,
    });
  }
}
