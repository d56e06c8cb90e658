/** What each kind of object needs that others need too; what a kind does not need is not loaded for it. */
import { QuotaFollower } from '../quota/follow.ts';
import { Quotas } from '../quota/quotas.ts';
import type { Kinds } from '../schema/kind.ts';
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
  readonly #quotas: Quotas;
  readonly #follower: QuotaFollower;

  constructor(
    place: Place & { readonly kinds: Kinds },
    report: (message: string, fields: Record<string, unknown>) => void,
  ) {
    this.addresses = new Addresses(place);
    this.ports = new NodePorts(place.storage);
    this.#services = new ServiceReservations(this.addresses, this.ports);
    this.#follower = new QuotaFollower(place.cache, (error) =>
      report('quotas not counted', { error: String(error) }),
    );
    this.#quotas = new Quotas(place, (namespace) => this.#follower.due(namespace));
  }

  /** Counts what is used of quotas, from now on. */
  start(): void {
    this.#follower.start(this.#quotas);
  }

  stop(): void {
    this.#follower.stop();
  }

  reserve(asked: Reserving): Promise<Reserved> | undefined {
    const { group, kind } = asked.kind;
    const counted = this.#follower.has(asked.object.metadata.namespace ?? '');
    const room = counted ? this.#quotas.reserve(asked) : undefined;
    if (group !== '' || kind !== 'Service') return room;
    return room === undefined ? this.#services.reserve(asked) : this.#both(asked, room);
  }

  async #both(asked: Reserving, room: Promise<Reserved>): Promise<Reserved> {
    const first = await room;
    let second: Reserved;
    try {
      second = await this.#services.reserve(asked);
    } catch (error) {
      await first.undo();
      throw error;
    }
    return {
      object: second.object,
      done: async () => void (await Promise.all([first.done(), second.done()])),
      undo: async () => void (await Promise.all([first.undo(), second.undo()])),
    };
  }

  removed(entry: Entry): Promise<void> | undefined {
    if (!entry.key.startsWith(servicePrefix)) return undefined;
    return this.#services.removed(entry.object());
  }
}
