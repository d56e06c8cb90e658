/** A network in memory: pods have addresses. */
import type { PodAddress, PodNetwork } from '#node-agent/network/pod-network.ts';

export class FakeNetwork implements PodNetwork {
  readonly gateway = '10.244.0.1';
  readonly addresses = new Map<string, PodAddress>();
  #next = 2;

  async start(): Promise<void> {}

  async attach(podUid: string): Promise<PodAddress> {
    let address = this.addresses.get(podUid);
    if (address === undefined) {
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

  async destroy(): Promise<void> {
    this.addresses.clear();
  }
}
