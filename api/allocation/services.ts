/**
 * What a Service needs of the cluster: addresses and node ports, had in the create or update itself
 * (`pkg/registry/core/service/storage/alloc.go`).
 */
import { cloneJson, type JsonObject, objectOr, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { internalError, type StatusError } from '#api/resources/status.ts';
import { Unavailable } from '../storage/storage.ts';
import type { Family } from './address-range.ts';
import { type Addresses, NotAllocated, type Owner } from './addresses.ts';
import type { NodePorts } from './node-ports.ts';
import type { Reserved, Reserving } from './reservation.ts';
import { isHeadless, refuse, settleFamilies, stringsOf } from './service-families.ts';
import { healthPortField, type OpenPort, openPorts, portsOf } from './service-ports.ts';

const specOf = (service: KubeObject | undefined): JsonObject => objectOr(service?.['spec']);

const ownerOf = ({ metadata: { namespace = '', name } }: KubeObject): Owner => ({
  namespace,
  name,
});

/** The addresses that the service holds. */
export function addressesOf(service: KubeObject | undefined): string[] {
  const spec = specOf(service);
  if (service === undefined || spec['type'] === 'ExternalName' || isHeadless(spec)) return [];
  const listed = stringsOf(spec['clusterIPs']);
  return (listed.length > 0 ? listed : [stringOr(spec['clusterIP'])]).filter((one) => one !== '');
}

/** 422 for a port that was chosen; 500 when there is none left, and for ports of health checks: as Kubernetes has it. */
function notAllocated(service: string, port: OpenPort | undefined, why: string): StatusError {
  const { wanted = 'any', field = 'spec.ports' } = port ?? {};
  if (field === healthPortField) {
    const which =
      wanted === 'any' ? 'a HealthCheck NodePort 0' : `requested HealthCheck NodePort ${wanted}`;
    return internalError(`failed to allocate ${which}: ${why}`);
  }
  return wanted === 'any'
    ? internalError(`failed to allocate a nodePort: ${why}`)
    : refuse(service, field, wanted, why);
}

/** What was taken for one write, so that it can be given back. */
class Taken {
  readonly addresses: string[] = [];
  readonly ports: number[] = [];
}

export class ServiceReservations {
  readonly #addresses: Addresses;
  readonly #ports: NodePorts;

  constructor(addresses: Addresses, ports: NodePorts) {
    this.#addresses = addresses;
    this.#ports = ports;
  }

  /** Rejects with 422 naming the field whose address or port cannot be had, or 500 when none is left; then nothing is taken. */
  async reserve({ object, old, dryRun }: Reserving): Promise<Reserved> {
    const service = cloneJson(object);
    const taken = new Taken();
    const giveBack = () => this.#release(service, taken.addresses, taken.ports);
    try {
      await this.#allocate(service, old, taken, dryRun);
    } catch (error) {
      // What the store did not answer to may have been written: it is found later.
      if (!dryRun && !(error instanceof Unavailable)) await giveBack();
      throw error;
    }
    return {
      object: service,
      undo: giveBack,
      done: async () => {
        if (old === undefined) return;
        const [addresses, ports] = [addressesOf(service), portsOf(service)];
        await this.#release(
          service,
          addressesOf(old).filter((one) => !addresses.includes(one)),
          portsOf(old).filter((port) => !ports.includes(port)),
        );
      },
    };
  }

  /** Gives back all that a service held that is gone. */
  removed(service: KubeObject): Promise<void> {
    return this.#release(service, addressesOf(service), portsOf(service));
  }

  async #release(
    service: KubeObject,
    addresses: readonly string[],
    ports: readonly number[],
  ): Promise<void> {
    const owner = ownerOf(service);
    await Promise.all([
      ...addresses.map((address) => this.#addresses.release(address, owner)),
      this.#ports.release(ports),
    ]);
  }

  async #allocate(
    service: KubeObject,
    old: KubeObject | undefined,
    taken: Taken,
    dryRun: boolean,
  ): Promise<void> {
    const spec = specOf(service);
    if (spec['type'] === 'ExternalName') return;
    settleFamilies(service, spec, this.#addresses.families());
    if (!isHeadless(spec)) await this.#takeAddresses(service, old, taken, dryRun);
    await this.#takePorts(service, old, taken, dryRun);
  }

  async #takeAddresses(
    service: KubeObject,
    old: KubeObject | undefined,
    taken: Taken,
    dryRun: boolean,
  ): Promise<void> {
    const spec = specOf(service);
    const held = addressesOf(old);
    const given = stringsOf(spec['clusterIPs']);
    const owner = ownerOf(service);
    const addresses: string[] = [];
    for (const [i, family] of stringsOf(spec['ipFamilies']).entries()) {
      const wanted = given[i];
      if (wanted !== undefined && held.includes(wanted)) {
        addresses.push(wanted);
        continue;
      }
      try {
        const address = wanted
          ? await this.#addresses.take(wanted, owner, dryRun)
          : await this.#addresses.takeAny(family as Family, owner, dryRun);
        addresses.push(address);
        if (!dryRun) taken.addresses.push(address);
      } catch (error) {
        if (!(error instanceof NotAllocated)) throw error;
        if (!wanted) throw internalError(`failed to allocate a serviceIP: ${error.message}`);
        const detail = `failed to allocate IP ${wanted}: ${error.message}`;
        throw refuse(owner.name, 'spec.clusterIPs', given, detail);
      }
    }
    spec['clusterIP'] = addresses[0];
    spec['clusterIPs'] = addresses;
  }

  async #takePorts(
    service: KubeObject,
    old: KubeObject | undefined,
    taken: Taken,
    dryRun: boolean,
  ): Promise<void> {
    const spec = specOf(service);
    const open = openPorts(spec, portsOf(old));
    if (open.length === 0) return;
    const { name } = service.metadata;
    let ports: number[];
    try {
      ports = await this.#ports.take(
        open.map(({ wanted }) => wanted),
        dryRun,
      );
    } catch (error) {
      if (!(error instanceof NotAllocated)) throw error;
      throw notAllocated(name, open[error.at], error.message);
    }
    if (!dryRun) taken.ports.push(...ports);
    for (const [i, { set }] of open.entries()) set(ports[i] ?? 0);
  }
}
