/**
 * Leases for keys that go away by themselves. Each lease is shared by the keys written within a minute, up to a
 * thousand of them, as kube-apiserver does it: thousands of Events must not make thousands of leases.
 */

/** kube-apiserver's `lease_manager.go`: reuse for 60 s, 1,000 attached objects. */
const windowSeconds = 60;
const keysMax = 1000;
const idMax = 2 ** 53;

interface Lease {
  readonly id: Promise<number>;
  readonly until: number;
  keys: number;
}

export type Grant = (id: number, ttlSeconds: number) => Promise<void>;

export class SharedLeases {
  readonly #grant: Grant;
  readonly #now: () => number;
  /** By time to live in seconds. */
  readonly #leases = new Map<number, Lease>();

  constructor(grant: Grant, now: () => number = Date.now) {
    this.#grant = grant;
    this.#now = now;
  }

  /**
   * A lease that lasts at least `ttlSeconds` from now, and at most a window longer. Rejects as the grant does.
   */
  leaseFor(ttlSeconds: number): Promise<number> {
    let lease = this.#leases.get(ttlSeconds);
    if (lease === undefined || lease.until <= this.#now() || lease.keys >= keysMax) {
      // A short life is not stretched by a minute: a twentieth of it, at least a second.
      const window = Math.max(1, Math.min(windowSeconds, Math.ceil(ttlSeconds / 20)));
      const id = this.#grantNew(ttlSeconds, window);
      lease = { id, until: this.#now() + window * 1000, keys: 0 };
      this.#leases.set(ttlSeconds, lease);
    }
    lease.keys++;
    return lease.id;
  }

  /** Leases handed out so far are not used again: etcd does not know one of them any more. */
  forget(): void {
    this.#leases.clear();
  }

  async #grantNew(ttlSeconds: number, window: number): Promise<number> {
    const id = 1 + Math.floor(Math.random() * (idMax - 1));
    try {
      await this.#grant(id, ttlSeconds + window);
      return id;
    } catch (error) {
      this.#leases.delete(ttlSeconds);
      throw error;
    }
  }
}
