/** What confines further processes of containers, kept while the container is known: a probe runs one every few seconds. */

import type { WireProcess } from '#native/protocol.ts';
import type { ContainerSpec, ExecSpec } from './runtime.ts';
import type { Surroundings } from './surroundings.ts';
import { confinement } from './wire-process.ts';

export class Confinements {
  /** Of the container's own user. An update makes another specification, and so another entry. */
  readonly #known = new WeakMap<ContainerSpec, WireProcess>();

  async of(
    spec: ContainerSpec,
    user: ExecSpec['user'],
    surroundings: () => Promise<Surroundings>,
  ): Promise<WireProcess> {
    if (user !== undefined) return confinement(await surroundings(), user);
    const known = this.#known.get(spec) ?? confinement(await surroundings(), spec.user);
    this.#known.set(spec, known);
    return known;
  }
}
