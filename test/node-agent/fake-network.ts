/** A network in memory: pods have addresses. */
import type { PodAddress, PodNetwork } from '#node-agent/network/pod-network.ts';

export class FakeNetwork implements PodNetwork {
  readonly gateway = '10.244.0.1';
  readonly addresses = new Map<string, PodAddress>();
  /** How many addresses there are. */
  room = Number.POSITIVE_INFINITY;
  /** The pods that asked for one, each time. */
  readonly asked: string[] = [];
  #next = 2;

  /** What is said when all are taken. */
  get full(): string {
    return `take an address of 10.244.0.0/24: all ${this.room} are taken`;
  }

  async start(): Promise<void> {}

  async attach(podUid: string): Promise<PodAddress> {
    this.asked.push(podUid);
    let address = this.addresses.get(podUid);
    if (address === undefined) {
      if (this.addresses.size >= this.room) throw new Error(this.full);
      address = { ip: `10.244.0.${this.#next}`, netnsPath: `/run/netns/${podUid}` };
      this.#next += 1;
      this.addresses.set(podUid, address);
    }
    return address;
  }

  async detach(podUid: string): Promise<void> {
    this.addresses.delete(podUid);
  }

  netnsPath(podUid: string): string {
    return `/run/netns/${podUid}`;
  }

  attached(): readonly string[] {
    return [...this.addresses.keys()];
  }

  async close(): Promise<void> {}

  async destroy(): Promise<void> {
    this.addresses.clear();
  }
}
