/**
 * Cluster addresses: one IPAddress object each, whose key is taken by whoever creates it first (KEP-1880). So no two
 * services have the same one, however many servers there are.
 */
import { randomInt, randomUUID } from 'node:crypto';
import { objectOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { timestamp } from '../kinds/prepare.ts';
import type { Storage } from '../storage/storage.ts';
import { encodeStored } from '../storage/stored-object.ts';
import type { WatchCache } from '../storage/watch-cache.ts';
import {
  type AddressRange,
  canonical,
  contains,
  dynamicOffset,
  type Family,
  familyOf,
  nth,
  parseRange,
} from './address-range.ts';

export const addressPrefix = '/registry/ipaddresses/';
const rangePrefix = '/registry/servicecidrs/';

/** Why an address or a port cannot be had, in Kubernetes' words. */
export class NotAllocated extends Error {
  override readonly name = 'NotAllocated';
  /** Which of those that were wanted, from 0. */
  readonly at: number;

  constructor(message: string, at = 0) {
    super(message);
    this.at = at;
  }
}

export interface Owner {
  readonly namespace: string;
  readonly name: string;
}

export interface Place {
  readonly storage: Storage;
  readonly cache: WatchCache;
  readonly now: () => Date;
}

/** So often an address is guessed before the range is gone through. */
const guesses = 16;

export class Addresses {
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  /** The families that ServiceCIDRs have ranges of, the cluster's own first. */
  families(): Family[] {
    return [...new Set(this.#ranges().map(({ family }) => family))];
  }

  /** Takes this address. Rejects with `NotAllocated`. */
  async take(address: string, owner: Owner, dryRun: boolean): Promise<string> {
    const name = canonical(address);
    const ranges = this.#ranges().filter(({ family }) => family === familyOf(name));
    if (!ranges.some((range) => contains(range, name))) {
      const valid = ranges.map(({ cidr }) => cidr).join(', ');
      throw new NotAllocated(
        `the provided IP (${name}) is not in the valid range. The range of valid IPs is ${valid}`,
      );
    }
    if (!(await this.#put(name, owner, dryRun))) {
      throw new NotAllocated('provided IP is already allocated');
    }
    return name;
  }

  /** Takes any address. Rejects with `NotAllocated` when the ranges are full. */
  async takeAny(family: Family, owner: Owner, dryRun: boolean): Promise<string> {
    const ranges = this.#ranges().filter((range) => range.family === family);
    for (const range of ranges) {
      for (const candidate of candidates(range)) {
        if (await this.#put(candidate, owner, dryRun)) return candidate;
      }
    }
    throw new NotAllocated('range is full');
  }

  /** Gives the address back if the owner has it. */
  async release(address: string, { namespace, name }: Owner): Promise<void> {
    const { storage } = this.#place;
    const stored = await storage.get(`${addressPrefix}${canonical(address)}`);
    if (stored === undefined) return;
    const parent = parentOf(JSON.parse(stored.value.toString()) as KubeObject);
    if (parent?.namespace !== namespace || parent.name !== name) return;
    await storage.delete(stored.key, stored.revision);
  }

  #ranges(): AddressRange[] {
    const objects = this.#place.cache.list(rangePrefix).entries.map((entry) => entry.object());
    return objects
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .sort(
        (a, b) =>
          Number(b.metadata.name === 'kubernetes') - Number(a.metadata.name === 'kubernetes'),
      )
      .flatMap((object) => {
        const { cidrs } = objectOr(object['spec']);
        return Array.isArray(cidrs) ? cidrs.map((cidr) => parseRange(String(cidr))) : [];
      })
      .filter((range) => range !== undefined);
  }

  async #put(address: string, owner: Owner, dryRun: boolean): Promise<boolean> {
    const { storage, cache, now } = this.#place;
    const key = `${addressPrefix}${address}`;
    if (cache.get(key) !== undefined) return false;
    if (dryRun) return true;
    const value = encodeStored(addressObject(address, owner, now()));
    return (await storage.put(key, value, { expectedRevision: 0 })).written;
  }
}

/** Some at random, then all: those for people who choose last. */
function* candidates(range: AddressRange): Generator<string> {
  const { size } = range;
  const first = dynamicOffset(range);
  const span = size - first;
  if (span <= 0n) return;
  const within = Number(span > 2n ** 40n ? 2n ** 40n : span);
  for (let i = 0; i < guesses; i++) yield nth(range, first + BigInt(randomInt(within)));
  for (let offset = first; offset < size; offset++) yield nth(range, offset);
  for (let offset = 0n; offset < first; offset++) yield nth(range, offset);
}

function addressObject(address: string, { namespace, name }: Owner, now: Date): KubeObject {
  return {
    kind: 'IPAddress',
    apiVersion: 'networking.k8s.io/v1',
    metadata: {
      name: address,
      uid: randomUUID(),
      creationTimestamp: timestamp(now),
      labels: {
        'ipaddress.kubernetes.io/ip-family': familyOf(address) ?? 'IPv4',
        'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
      },
    },
    spec: { parentRef: { group: '', resource: 'services', namespace, name } },
  };
}

/** The service that an IPAddress belongs to; `undefined` if it is somebody else's. */
export function parentOf(address: KubeObject): Owner | undefined {
  const parent = objectOr(objectOr(address['spec'])['parentRef']);
  const { resource, namespace, name } = parent;
  if (resource !== 'services' || (parent['group'] ?? '') !== '') return undefined;
  return { namespace: String(namespace), name: String(name) };
}
