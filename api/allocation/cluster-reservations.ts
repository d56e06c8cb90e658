/** What each kind of object needs that others need too; what a kind does not need is not loaded for it. */
import type { Entry } from '../storage/entry.ts';
import { Addresses, type Place } from './addresses.ts';
import { NodePorts } from './node-ports.ts';
import type { Reservations, Reserved, Reserving } from './reservation.ts';
import { ServiceReservations } from './services.ts';

const servicePrefix = '/registry/services/specs/';

export class ClusterReservations implements Reservations {
  readonly addresses: Addresses;
  readonly ports: NodePorts;
  readonly #services: ServiceReservations;

  constructor(place: Place) {
    this.addresses = new Addresses(place);
    this.ports = new NodePorts(place.storage);
    this.#services = new ServiceReservations(this.addresses, this.ports);
  }

  reserve(asked: Reserving): Promise<Reserved> | undefined {
    const { group, kind } = asked.kind;
    return group === '' && kind === 'Service' ? this.#services.reserve(asked) : undefined;
  }

  removed(entry: Entry): Promise<void> | undefined {
    if (!entry.key.startsWith(servicePrefix)) return undefined;
    return this.#services.removed(entry.object());
  }
}
