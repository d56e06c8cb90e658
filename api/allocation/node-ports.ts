/**
 * Node ports: one RangeAllocation object for all, as Kubernetes keeps them. A change of it is a compare and swap, so
 * that no two services have the same port; changes of this server wait for each other instead of losing to each other.
 */
import { randomInt } from 'node:crypto';
import type { KubeObject } from '#api/resources/meta.ts';
import type { Storage } from '../storage/storage.ts';
import { encodeStored } from '../storage/stored-object.ts';
import { NotAllocated } from './addresses.ts';
import { Bitmap } from './bitmap.ts';

const key = '/registry/ranges/servicenodeports';
/** Kubernetes' default `--service-node-port-range`. */
const first = 30_000;
const last = 32_767;
/** Ports below are given only to those who choose them (KEP-3668). */
const chosenPorts = 86;

/** A port that somebody chose, or any. */
export type Wanted = number | 'any';

const inRange = (port: number): boolean => port >= first && port <= last;

/** A change of the taken ports; `false`: nothing is to be written. */
type Change = (taken: Bitmap) => boolean;

export class NodePorts {
  readonly #storage: Storage;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** Takes all or none; the ports in the order they are wanted. Rejects with `NotAllocated`. */
  async take(wanted: readonly Wanted[], dryRun: boolean): Promise<number[]> {
    let ports: number[] = [];
    await this.#change((taken) => {
      ports = wanted.map((port, at) => {
        const found = port === 'any' ? anyFree(taken, at) : chosen(taken, port, at);
        taken.add(found - first);
        return found;
      });
      return !dryRun && ports.length > 0;
    });
    return ports;
  }

  async release(ports: readonly number[]): Promise<void> {
    const known = ports.filter(inRange);
    if (known.length === 0) return;
    await this.#change((taken) => {
      for (const port of known) taken.remove(port - first);
      return true;
    });
  }

  /** Of these ports those that are not taken are; of `unused` those that are taken no longer are. */
  async correct(used: readonly number[], unused: readonly number[]): Promise<void> {
    await this.#change((taken) => {
      const missing = used.filter((port) => inRange(port) && !taken.has(port - first));
      const spare = unused.filter((port) => inRange(port) && taken.has(port - first));
      for (const port of missing) taken.add(port - first);
      for (const port of spare) taken.remove(port - first);
      return missing.length + spare.length > 0;
    });
  }

  /** All ports that are taken now. */
  async all(): Promise<number[]> {
    const { taken } = await this.#read();
    const ports = Array.from({ length: last - first + 1 }, (_, i) => first + i);
    return ports.filter((port) => taken.has(port - first));
  }

  #change(change: Change): Promise<void> {
    const run = this.#tail.then(() => this.#write(change));
    this.#tail = run.catch(() => undefined);
    return run;
  }

  async #read(): Promise<{ taken: Bitmap; revision: number }> {
    const stored = await this.#storage.get(key);
    if (stored === undefined) return { taken: Bitmap.decode(''), revision: 0 };
    const { data } = JSON.parse(stored.value.toString()) as { data?: string };
    return { taken: Bitmap.decode(data ?? ''), revision: stored.revision };
  }

  async #write(change: Change): Promise<void> {
    for (;;) {
      const { taken, revision } = await this.#read();
      if (!change(taken)) return;
      const value = encodeStored(allocation(taken));
      const { written } = await this.#storage.put(key, value, { expectedRevision: revision });
      if (written) return;
    }
  }
}

const allocation = (taken: Bitmap): KubeObject => ({
  kind: 'RangeAllocation',
  apiVersion: 'v1',
  metadata: { name: '' },
  range: `${first}-${last}`,
  data: taken.encode(),
});

function chosen(taken: Bitmap, port: number, at: number): number {
  if (!inRange(port)) {
    const range = `${first}-${last}`;
    throw new NotAllocated(
      `provided port is not in the valid range. The range of valid ports is ${range}`,
      at,
    );
  }
  if (taken.has(port - first)) throw new NotAllocated('provided port is already allocated', at);
  return port;
}

/** From a random place on around, first among those that nobody chooses. */
function anyFree(taken: Bitmap, at: number): number {
  const size = last - first + 1;
  for (const [from, count] of [
    [chosenPorts, size - chosenPorts],
    [0, chosenPorts],
  ] as const) {
    const start = randomInt(count);
    for (let i = 0; i < count; i++) {
      const index = from + ((start + i) % count);
      if (!taken.has(index)) return first + index;
    }
  }
  throw new NotAllocated('range is full', at);
}
