/** The parts of a cluster on this machine, started together and stopped in order. */
import { join } from 'node:path';
import { ensurePki, writeKubeconfig } from '#api/pki/pki.ts';
import type { Cluster, Settings } from '../cluster.ts';
import { serverUrl, writeConfiguration } from './configuration.ts';
import { Keeper, type KeeperOptions, type Running } from './keeper.ts';
import { ensureNodeNetwork } from './node-network.ts';
import { nodePlaces } from './node-places.ts';
import type { Held } from './node-program.ts';
import { etcdDirectory, type PartName, startPart } from './part-programs.ts';

export interface PartsOptions {
  /** Endpoints of an etcd that others run; empty: our own member. */
  readonly etcdEndpoints: readonly string[];
  /** The API server's program, started before everything else: loading its code takes longest. */
  readonly api: Promise<Held>;
  readonly onStart: KeeperOptions['onStart'];
  readonly onExit: KeeperOptions['onExit'];
}

/** The running parts, started side by side, each waiting by itself for what it needs. */
export class Parts {
  readonly #keepers: Keeper[] = [];
  readonly #cluster: Cluster;
  readonly #options: PartsOptions;
  #stopped = false;

  constructor(cluster: Cluster, options: PartsOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  /** Makes certificates where they are missing and starts etcd and the API server; does not wait for readiness. */
  async start(settings: Settings): Promise<void> {
    const { pki } = this.#cluster;
    const own = this.#options.etcdEndpoints.length === 0;
    const etcd = own ? this.#keep('etcd') : undefined;
    const endpoints = own
      ? [`unix:${etcdDirectory(this.#cluster)}/localhost:12379`]
      : this.#options.etcdEndpoints;
    const places = nodePlaces(this.#cluster, settings);
    await ensureNodeNetwork(this.#cluster, settings);
    const certificates = ensurePki({
      dir: pki,
      nodeNames: places.map(({ name }) => name),
      hosts: places.slice(0, 1).map(({ address }) => address),
    });
    writeConfiguration(this.#cluster, settings, endpoints);
    await certificates;
    const api = await this.#options.api;
    const first = () => {
      api.release();
      return Promise.resolve(api);
    };
    await Promise.all([etcd, this.#keep('api', first), this.#writeKubeconfig(settings)]);
  }

  /** Starts what speaks to the API server: before it is ready they would only take its processors. */
  async startClients(settings: Settings): Promise<void> {
    if (this.#stopped) return;
    const agents = nodePlaces(this.#cluster, settings).map(({ part }) => part);
    await Promise.all((['controller', ...agents] as const).map((part) => this.#keep(part)));
  }

  /** Ends all parts, the last started first, so that each can say good-bye to those it speaks to. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const keeper of this.#keepers.toReversed()) await keeper.stop();
    // No keeper has it yet if something failed before.
    await (await this.#options.api).stop();
  }

  /** `first`: what the first start is instead. */
  async #keep(name: PartName, first?: () => Promise<Running>): Promise<void> {
    const { onStart, onExit } = this.#options;
    const starts = first === undefined ? [] : [first];
    const keeper = new Keeper({
      name,
      start: () => starts.pop()?.() ?? startPart(this.#cluster, name),
      onStart,
      onExit,
    });
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
