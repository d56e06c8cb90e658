/** The parts of a cluster on this machine, started side by side, each waiting by itself for what it needs. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensurePki, writeKubeconfig } from '#api/pki/pki.ts';
import { startEtcd } from '#api/storage/etcd-process.ts';
import type { Cluster, Settings } from '../cluster.ts';
import { type ConfigurationPaths, serverUrl, writeConfiguration } from './configuration.ts';
import { Keeper, type KeeperOptions, type Running } from './keeper.ts';
import { startNodeProgram } from './node-program.ts';

export interface PartsOptions {
  /** Endpoints of an etcd that others run; empty: our own member. */
  readonly etcdEndpoints: readonly string[];
  readonly onStart: KeeperOptions['onStart'];
  readonly onExit: KeeperOptions['onExit'];
}

/** The running parts, in the order in which they were started. */
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
    const logs = join(dataDir, 'log');
    mkdirSync(logs, { recursive: true, mode: 0o700 });
    const own = this.#options.etcdEndpoints.length === 0;
    const etcdDir = join(dataDir, 'etcd');
    const etcd = own ? this.#keep('etcd', () => startEtcd({ dataDir: etcdDir })) : undefined;
    const endpoints = own ? [`unix:${etcdDir}/localhost:12379`] : this.#options.etcdEndpoints;
    const certificates = ensurePki({ dir: pki, nodeNames: [settings.nodeName], hosts: [] });
    const paths = writeConfiguration(this.#cluster, settings, endpoints);
    await certificates;
    await Promise.all([etcd, this.#startPrograms(paths, logs), this.#writeKubeconfig(settings)]);
  }

  /** Ends all parts, the last started first, so that each can say good-bye to those it speaks to. */
  async stop(): Promise<void> {
    for (const keeper of this.#keepers.toReversed()) await keeper.stop();
  }

  async #startPrograms(paths: ConfigurationPaths, logs: string): Promise<void> {
    const program = (name: string, file: Parameters<typeof startNodeProgram>[0], config: string) =>
      this.#keep(name, () => startNodeProgram(file, config, join(logs, `${name}.log`)));
    await Promise.all([
      program('api', 'api/main.ts', paths.api),
      program('controller', 'controller/main.ts', paths.controller),
      program('agent', 'node-agent/main.ts', paths.agent),
    ]);
  }

  async #keep(name: string, start: () => Promise<Running>): Promise<void> {
    const { onStart, onExit } = this.#options;
    const keeper = new Keeper({ name, start, onStart, onExit });
    this.#keepers.push(keeper);
    await keeper.start();
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
