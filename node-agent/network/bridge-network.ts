/**
 * The pod network of one node: the gateway's link, and for each pod a network namespace with a veth and a route to it.
 *
 *   <runDir>/netns/<podUid>     the namespace, mounted when all in it is done: what is mounted is attached
 *   <runDir>/addresses/<ip>     a link to the uid of the pod that has the address (address-book.ts)
 *
 * A crash before the mount leaves nothing: the namespace ends with the process, its veth with it, and the next start frees
 * the address.
 */

import { closeSync } from 'node:fs';
import { mkdir, readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { bindNetns, configure, listLinks, removeNetns } from '#native/netlink.ts';
import { AddressBook } from './address-book.ts';
import { ensureBridge, gatewayOf, removeBridge, untilGone } from './bridge.ts';
import { type Cidr, parseCidr } from './cidr.ts';
import { enableForwarding, restoreForwarding } from './forwarding.ts';
import { removeNodeRoutes } from './node-routes.ts';
import { makeLink, routeTo, vethName } from './pod-link.ts';
import type { NodeNetwork, PodAddress } from './pod-network.ts';
import { ensureServiceRoute } from './service-route.ts';
import { ElementTable } from './services/element-table.ts';
import { SpareLink } from './spare-link.ts';

export interface PodNetworkOptions {
  readonly runDir: string;
  /** As `10.244.0.0/24`. */
  readonly podCidr: string;
  /** A link name that begins with `bp`; each cluster of a machine has its own. */
  readonly bridge: string;
  /** Names the nftables table `bayplan-<name>`; absent or `default`: `bayplan`. */
  readonly clusterName?: string;
  /** The range of all nodes' pods; absent: this node's is all there is. */
  readonly clusterCidr?: string;
  /** The network of this machine's other nodes, whose way out leads through this one. */
  readonly nodeCidr?: string;
  /** The range of Services' addresses; absent: Kubernetes' usual one. */
  readonly serviceCidr?: string;
  readonly log?: { warn(message: string, fields: Readonly<Record<string, unknown>>): void };
}

/** @throws Error when an option is malformed */
export function createPodNetwork(options: PodNetworkOptions): NodeNetwork {
  if (!/^bp[a-z0-9-]{1,13}$/.test(options.bridge)) {
    throw new Error(
      `make a pod network on the bridge '${options.bridge}': its name must be bp and up to 13 of a-z 0-9 -`,
    );
  }
  return new BridgeNetwork(options);
}

const defaultServiceCidr = '10.96.0.0/12';

class BridgeNetwork implements NodeNetwork {
  readonly gateway: string;
  readonly #options: PodNetworkOptions;
  readonly #cidr: Cidr;
  readonly table: ElementTable;
  readonly #namespaces: string;
  readonly #marker: string;
  readonly #book: AddressBook;
  readonly #attached = new Map<string, PodAddress>();
  /** What is under way for a pod; the next call for the same pod waits for it. */
  readonly #busy = new Map<string, Promise<unknown>>();
  readonly #spare: SpareLink;
  #isStarted = false;
  #rules: Promise<void> = Promise.resolve();

  constructor(options: PodNetworkOptions) {
    this.#options = options;
    this.#cidr = parseCidr(options.podCidr);
    this.gateway = gatewayOf(this.#cidr);
    const name = options.clusterName ?? 'default';
    this.table = new ElementTable({
      table: name === 'default' ? 'bayplan' : `bayplan-${name.replace(/[^\w.-]/g, '_')}`,
      podCidr: this.#cidr.text,
      clusterCidr: options.clusterCidr ?? this.#cidr.text,
      serviceCidr: options.serviceCidr ?? defaultServiceCidr,
      ...(options.nodeCidr === undefined ? {} : { nodeCidr: options.nodeCidr }),
    });
    this.#namespaces = join(options.runDir, 'netns');
    this.#marker = join(options.runDir, 'ip-forward-was-off');
    const book = new AddressBook(join(options.runDir, 'addresses'), this.#cidr);
    this.#book = book;
    const { gateway } = this;
    this.#spare = new SpareLink({
      reserve: () => book.reserve(),
      free: (ip) => book.free(ip),
      make: (ip) =>
        makeLink({ ip, gateway, bridge: options.bridge, isHeld: () => book.isRecorded(ip) }),
    });
  }

  async start(): Promise<void> {
    await mkdir(this.#namespaces, { recursive: true, mode: 0o700 });
    await this.#adopt();
    this.#rules = this.#loadRules(); // takes a while: only who attaches a pod waits for it
    await Promise.all([
      ensureBridge({ name: this.#options.bridge, cidr: this.#cidr }),
      enableForwarding(this.#marker),
    ]);
    await Promise.all([this.#restoreRoutes(), this.#routeServices()]);
    this.#isStarted = true;
    this.#spare.prepare();
  }

  /** Without them pods still reach each other and the node. */
  async #loadRules(): Promise<void> {
    try {
      await this.table.open();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#options.log?.warn(
        'no Services, no network policies, and pods cannot reach beyond the node',
        { why },
      );
    }
  }

  /** A pod is attached when it has both a mounted namespace and an address; half of that is taken away. */
  async #adopt(): Promise<void> {
    await this.#book.open();
    for (const podUid of await readdir(this.#namespaces)) {
      const netnsPath = this.netnsPath(podUid);
      const ip = this.#book.get(podUid);
      if (ip !== undefined && (await isNamespace(netnsPath))) {
        this.#attached.set(podUid, { ip, netnsPath });
      } else {
        await removeNetns(netnsPath);
      }
    }
    for (const podUid of this.#book.pods()) {
      if (!this.#attached.has(podUid)) await this.#book.release(podUid);
    }
  }

  /** The kernel takes the routes away with the gateway's address that they speak with. */
  async #restoreRoutes(): Promise<void> {
    if (this.#attached.size === 0) return;
    const indexes = new Map((await listLinks()).map(({ name, index }) => [name, index]));
    const routes = [...this.#attached.values()].flatMap(({ ip }) => {
      const index = indexes.get(vethName(this.#options.bridge, ip));
      return index === undefined ? [] : routeTo(ip, index, this.gateway);
    });
    if (routes.length > 0) await configure(routes);
  }

  async #routeServices(): Promise<void> {
    const { bridge, serviceCidr = defaultServiceCidr } = this.#options;
    await ensureServiceRoute({ bridge, gateway: this.gateway, serviceCidr });
  }

  attached(): readonly string[] {
    return [...this.#attached.keys()];
  }

  netnsPath(podUid: string): string {
    return join(this.#namespaces, podUid);
  }

  attach(podUid: string): Promise<PodAddress> {
    return this.#alone(podUid, async () => {
      const existing = this.#attached.get(podUid);
      if (existing !== undefined) return existing;
      await this.#rules;
      if (!this.#isStarted) throw new Error('attach a pod: the network is not started');
      const { ip, netns } = await this.#spare.take();
      const netnsPath = this.netnsPath(podUid);
      try {
        await settledAll([this.#book.record(podUid, ip), bindNetns(netns, netnsPath)]);
      } catch (error) {
        await removeNetns(netnsPath);
        await this.#book.release(podUid);
        throw error;
      } finally {
        closeSync(netns);
      }
      const address = { ip, netnsPath };
      this.#attached.set(podUid, address);
      return address;
    });
  }

  detach(podUid: string): Promise<void> {
    return this.#alone(podUid, async () => {
      await removeNetns(join(this.#namespaces, podUid));
      await this.#book.release(podUid);
      this.#attached.delete(podUid);
    });
  }

  /** Runs calls for one pod one after the other. */
  async #alone<T>(podUid: string, work: () => Promise<T>): Promise<T> {
    if (!/^[\w-][\w.-]{0,127}$/.test(podUid)) {
      throw new Error(`the pod uid '${podUid}' cannot be a file name`);
    }
    const before = this.#busy.get(podUid);
    const running = before === undefined ? work() : before.then(work);
    const settled = running.catch(() => {});
    this.#busy.set(podUid, settled);
    try {
      return await running;
    } finally {
      if (this.#busy.get(podUid) === settled) this.#busy.delete(podUid);
    }
  }

  async close(): Promise<void> {
    await this.#spare.close();
  }

  async destroy(): Promise<void> {
    await Promise.all([...this.#busy.values(), this.#rules]);
    const spare = await this.#spare.close();
    const addresses = join(this.#options.runDir, 'addresses');
    const [pods, taken] = await Promise.all([this.#namespaces, addresses].map(namesIn));
    for (const podUid of pods ?? []) await removeNetns(join(this.#namespaces, podUid));
    await rm(this.#namespaces, { recursive: true, force: true });
    await rm(addresses, { recursive: true, force: true });
    this.#attached.clear();
    await Promise.all([
      removeNodeRoutes(this.#cidr.text),
      removeBridge(this.#options.bridge),
      this.table.destroy().catch(() => {}), // without nft there was no table
    ]);
    const ips = [...(taken ?? []), ...(spare === undefined ? [] : [spare])];
    await untilGone(new Set(ips.map((ip) => vethName(this.#options.bridge, ip))));
    const others = (await listLinks()).some(({ name }) => name.startsWith('bp'));
    await restoreForwarding(this.#marker, others);
  }
}

const namesIn = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);

async function isNamespace(path: string): Promise<boolean> {
  const NSFS_MAGIC = 0x6e736673;
  const { type } = await statfs(path);
  return type === NSFS_MAGIC;
}

/** Waits for all, then throws the first failure. */
async function settledAll(work: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(work);
  await Promise.all(work);
}
