/** Each blob is on its way once, however many pulls want it; it is given up when the last of them does. */

import type { Digest } from '../digest.ts';

export interface Passenger {
  readonly signal?: AbortSignal | undefined;
  readonly onBytes: (bytes: number) => void;
}

interface Flight {
  readonly passengers: Set<Passenger>;
  readonly controller: AbortController;
  readonly landed: Promise<void>;
  bytes: number;
}

export class Downloads {
  readonly #flights = new Map<Digest, Flight>();

  /**
   * Joins the blob's flight, or begins one with `start`. Rejects with what `start` rejects with, or at once when the
   * passenger's signal aborts.
   */
  async join(
    digest: Digest,
    passenger: Passenger,
    start: (signal: AbortSignal, onBytes: (bytes: number) => void) => Promise<void>,
  ): Promise<void> {
    passenger.signal?.throwIfAborted();
    let flight = this.#flights.get(digest);
    // One that was given up by all ends soon: a new one must not write the same file beside it.
    while (flight?.controller.signal.aborted === true) {
      await flight.landed.catch(() => undefined);
      passenger.signal?.throwIfAborted();
      flight = this.#flights.get(digest);
    }
    flight ??= this.#begin(digest, start);
    flight.passengers.add(passenger);
    passenger.onBytes(flight.bytes);
    await this.#ride(flight, passenger);
  }

  #begin(
    digest: Digest,
    start: (signal: AbortSignal, onBytes: (bytes: number) => void) => Promise<void>,
  ): Flight {
    const controller = new AbortController();
    const passengers = new Set<Passenger>();
    const onBytes = (bytes: number) => {
      flight.bytes = bytes;
      for (const passenger of passengers) passenger.onBytes(bytes);
    };
    const landed = Promise.resolve()
      .then(() => start(controller.signal, onBytes))
      .finally(() => this.#flights.delete(digest));
    landed.catch(() => undefined); // each passenger meets it
    const flight: Flight = { passengers, controller, landed, bytes: 0 };
    this.#flights.set(digest, flight);
    return flight;
  }

  async #ride(flight: Flight, passenger: Passenger): Promise<void> {
    const { signal } = passenger;
    const left = Promise.withResolvers<never>();
    const leave = () => left.reject(signal?.reason);
    signal?.addEventListener('abort', leave, { once: true });
    try {
      await Promise.race([flight.landed, left.promise]);
    } finally {
      signal?.removeEventListener('abort', leave);
      flight.passengers.delete(passenger);
      if (flight.passengers.size === 0) flight.controller.abort();
    }
  }
}
