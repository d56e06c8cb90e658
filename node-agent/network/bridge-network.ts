/**
 * The pod network of one node: a bridge, and for each pod a network namespace with a veth to it.
 *
 *   <runDir>/netns/<podUid>     the namespace, mounted when all in it is done: what is mounted is attached
 *   <runDir>/addresses/<ip>     a link to the uid of the pod that has the address (address-book.ts)
 *
 * A crash before the mount leaves nothing: the namespace ends with the process, its veth with it, and the next start frees
 * the address.
 */

import { createHash } from 'node:crypto';
import { closeSync } from 'node:fs';
import { mkdir, readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { bindNetns, configure, listLinks, removeNetns } from '#native/netlink.ts';
import {
  addAddress,
  addDefaultRoute,
  addVeth,
  deleteLink,
  setHairpin,
  setUp,
} from '#native/netlink-requests.ts';
import { AddressBook } from './address-book.ts';
import { ensureBridge, gatewayOf, removeBridge } from './bridge.ts';
import { type Cidr, macOf, parseCidr } from './cidr.ts';
import { enableForwarding, restoreForwarding } from './forwarding.ts';
import { loadMasquerade, removeMasquerade } from './masquerade.ts';
import type { PodAddress, PodNetwork } from './pod-network.ts';
import { SpareNamespace } from './spare-namespace.ts';

export interface PodNetworkOptions {
  readonly runDir: string;
  /** As `10.244.0.0/24`. */
  readonly podCidr: string;
  /** A link name that begins with `bp`; each cluster of a machine has its own. */
  readonly bridge: string;
  /** Names the nftables table `bayplan-<name>`; absent or `default`: `bayplan`. */
  readonly clusterName?: string;
  readonly log?: { warn(message: string, fields: Readonly<Record<string, unknown>>): void };
}

/** @throws Error when an option is malformed */
export function createPodNetwork(options: PodNetworkOptions): PodNetwork {
  if (!/^bp[a-z0-9-]{1,13}$/.test(options.bridge)) {
    throw new Error(
      `make a pod network on the bridge '${options.bridge}': its name must be bp and up to 13 of a-z 0-9 -`,
    );
  }
  return new BridgeNetwork(options);
}

/** The second link of a new namespace. */
const ETH0 = 2;

/** The node's end of a pod's veth. */
export function vethName(podUid: string): string {
  return `bp${createHash('sha256').update(podUid).digest('hex').slice(0, 8)}`;
}

class BridgeNetwork implements PodNetwork {
  readonly gateway: string;
  readonly #options: PodNetworkOptions;
  readonly #cidr: Cidr;
  readonly #table: string;
  readonly #namespaces: string;
  readonly #marker: string;
  readonly #book: AddressBook;
  readonly #attached = new Map<string, PodAddress>();
  /** What is under way for a pod; the next call for the same pod waits for it. */
  readonly #busy = new Map<string, Promise<unknown>>();
  readonly #spare = new SpareNamespace();
  #bridgeIndex: number | undefined;
  #masquerade: Promise<void> = Promise.resolve();

  constructor(options: PodNetworkOptions) {
    this.#options = options;
    this.#cidr = parseCidr(options.podCidr);
    this.gateway = gatewayOf(this.#cidr);
    const name = options.clusterName ?? 'default';
    this.#table = name === 'default' ? 'bayplan' : `bayplan-${name.replace(/[^\w.-]/g, '_')}`;
    this.#namespaces = join(options.runDir, 'netns');
    this.#marker = join(options.runDir, 'ip-forward-was-off');
    this.#book = new AddressBook(join(options.runDir, 'addresses'), this.#cidr);
  }

  async start(): Promise<void> {
    await mkdir(this.#namespaces, { recursive: true, mode: 0o700 });
    await this.#adopt();
    const ports = new Set([...this.#attached.keys()].map(vethName));
    this.#masquerade = this.#loadMasquerade(); // takes a while: only who attaches a pod waits for it
    const [index] = await Promise.all([
      ensureBridge({ name: this.#options.bridge, cidr: this.#cidr }, ports),
      enableForwarding(this.#marker),
    ]);
    this.#bridgeIndex = index;
    this.#spare.prepare();
  }

  /** Without it pods still reach each other and the node. */
  async #loadMasquerade(): Promise<void> {
    const { bridge, log } = this.#options;
    try {
      await loadMasquerade({ table: this.#table, bridge, cidr: this.#cidr });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      log?.warn('pods cannot reach beyond the node: no masquerading; install nftables', { why });
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
      await this.#masquerade;
      const { ip, recorded } = this.#book.take(podUid);
      const netnsPath = this.netnsPath(podUid);
      const connected = this.#connect(podUid, ip, netnsPath);
      try {
        await Promise.allSettled([recorded, connected]);
        await recorded;
        await connected;
      } catch (error) {
        await removeNetns(netnsPath);
        await this.#book.release(podUid);
        throw error;
      }
      const address = { ip, netnsPath };
      this.#attached.set(podUid, address);
      return address;
    });
  }

  async #connect(podUid: string, ip: string, netnsPath: string): Promise<void> {
    if (this.#bridgeIndex === undefined)
      throw new Error('attach a pod: the network is not started');
    const netns = await this.#spare.take();
    try {
      await this.#plug(vethName(podUid), macOf(ip), netns, this.#bridgeIndex);
      const inside = [
        setUp(ETH0),
        addAddress({ ip, prefix: this.#cidr.prefix, index: ETH0 }),
        addDefaultRoute(this.gateway, ETH0),
      ];
      await configure(inside, { netns });
      await bindNetns(netns, netnsPath);
    } finally {
      closeSync(netns);
    }
  }

  async #plug(name: string, mac: string, netns: number, master: number): Promise<void> {
    const peer = { name: 'eth0', index: ETH0, mac, netns };
    const plug = () => configure([addVeth({ name, master, peer }), setHairpin(name)]);
    try {
      await plug();
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST') throw error;
      if (this.attached().some((podUid) => vethName(podUid) === name)) throw error;
      // The same pod's veth of before: the kernel takes it away some time after its namespace.
      const old = (await listLinks()).find((link) => link.name === name);
      if (old !== undefined) await configure([deleteLink(old.index, name)]);
      await plug();
    }
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

  async destroy(): Promise<void> {
    await Promise.all([...this.#busy.values(), this.#masquerade, this.#spare.close()]);
    const pods = await readdir(this.#namespaces).catch((): string[] => []);
    for (const podUid of pods) await removeNetns(join(this.#namespaces, podUid));
    await rm(this.#namespaces, { recursive: true, force: true });
    await rm(join(this.#options.runDir, 'addresses'), { recursive: true, force: true });
    this.#attached.clear();
    await Promise.all([
      removeBridge(this.#options.bridge),
      removeMasquerade(this.#table).catch(() => {}), // without nft there was no table
    ]);
    await this.#waitForVeths(new Set(pods.map(vethName)));
    const others = (await listLinks()).some(({ name }) => name.startsWith('bp'));
    await restoreForwarding(this.#marker, others);
  }

  /** The kernel removes veths some 40 ms after their namespace, later if a process is still inside. */
  async #waitForVeths(names: ReadonlySet<string>): Promise<void> {
    const deadline = Date.now() + 3000;
    while (Date.now() < deadline) {
      if (!(await listLinks()).some(({ name }) => names.has(name))) return;
      await delay(10);
    }
  }
}

async function isNamespace(path: string): Promise<boolean> {
  const NSFS_MAGIC = 0x6e736673;
  const { type } = await statfs(path);
  return type === NSFS_MAGIC;
}
