/**
 * Puts right what a crash left between an address and its service: addresses and ports whose service is gone are given
 * back, those that a service has and nobody holds are taken (`pkg/registry/core/service/{ipallocator,portallocator}/controller`).
 */
import type { KubeObject } from '#api/resources/meta.ts';
import { addressPrefix, NotAllocated, type Place, parentOf } from './addresses.ts';
import type { ClusterReservations } from './cluster-reservations.ts';
import { portsOf } from './service-ports.ts';
import { addressesOf } from './services.ts';

const servicePrefix = '/registry/services/specs/';
/** What is younger may belong to a service that is just being made. */
const graceMs = 60_000;
const intervalMs = 3 * 60_000;

export type Report = (message: string, fields: Record<string, unknown>) => void;

export class Repair {
  readonly #place: Place;
  readonly #reservations: ClusterReservations;
  readonly #report: Report;
  /** Ports that nobody had at the last look: with a second look without an owner they are given back. */
  #suspects = new Set<number>();

  constructor(place: Place, reservations: ClusterReservations, report: Report) {
    this.#place = place;
    this.#reservations = reservations;
    this.#report = report;
  }

  /** Looks now and every three minutes. */
  start(): { stop(): void } {
    const run = () =>
      void this.run().catch((error: unknown) =>
        this.#report('addresses of services not checked', { error: String(error) }),
      );
    run();
    const timer = setInterval(run, intervalMs).unref();
    return { stop: () => clearInterval(timer) };
  }

  /** One look. */
  async run(): Promise<void> {
    const services = this.#place.cache.list(servicePrefix).entries.map((entry) => entry.object());
    for (const service of services) await this.#ensureAddresses(service);
    await this.#dropAddresses();
    await this.#correctPorts(services);
  }

  async #ensureAddresses(service: KubeObject): Promise<void> {
    const { namespace = '', name } = service.metadata;
    const owner = { namespace, name };
    for (const address of addressesOf(service)) {
      const held = this.#place.cache.get(`${addressPrefix}${address}`)?.object();
      if (held !== undefined) {
        const parent = parentOf(held);
        if (parent?.namespace === namespace && parent.name === name) continue;
        this.#report('two services have one address', { address, service: `${namespace}/${name}` });
        continue;
      }
      try {
        await this.#reservations.addresses.take(address, owner, false);
      } catch (error) {
        if (!(error instanceof NotAllocated)) throw error;
        this.#report('the address of a service cannot be held', {
          address,
          service: `${namespace}/${name}`,
          error: error.message,
        });
      }
    }
  }

  async #dropAddresses(): Promise<void> {
    const { cache, storage, now } = this.#place;
    for (const entry of cache.list(addressPrefix).entries) {
      const object = entry.object();
      const parent = parentOf(object);
      const age = now().getTime() - Date.parse(object.metadata.creationTimestamp ?? '');
      if (parent === undefined || age < graceMs) continue;
      const service = cache.get(`${servicePrefix}${parent.namespace}/${parent.name}`)?.object();
      if (addressesOf(service).includes(object.metadata.name)) continue;
      await storage.delete(entry.key, entry.revision);
    }
  }

  async #correctPorts(services: readonly KubeObject[]): Promise<void> {
    const used = new Set(services.flatMap(portsOf));
    const { ports } = this.#reservations;
    const spare = (await ports.all()).filter((port) => !used.has(port));
    const unused = spare.filter((port) => this.#suspects.has(port));
    await ports.correct([...used], unused);
    this.#suspects = new Set(spare.filter((port) => !unused.includes(port)));
  }
}
