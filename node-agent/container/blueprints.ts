/** What a container is to be made of: its state directory, its cgroup, its surroundings. */

import type { Hierarchies } from './cgroups.ts';
import type { Container } from './container.ts';
import { gather } from './gather.ts';
import type { Places } from './records.ts';
import type { ContainerSpec, RuntimeOptions, SandboxSpec } from './runtime.ts';
import type { Sandboxes } from './sandboxes.ts';
import type { Surroundings } from './surroundings.ts';

export interface Blueprint {
  readonly spec: ContainerSpec;
  /** Its state directory. */
  readonly directory: string;
  /** Below every hierarchy. */
  readonly cgroup: string;
  readonly surroundings: Promise<Surroundings>;
}

export interface ContainerWorld {
  readonly hierarchies: Hierarchies;
  readonly sandboxes: Sandboxes;
}

export class Blueprints {
  readonly #places: Places;
  readonly #log: NonNullable<RuntimeOptions['log']>;
  readonly #world: () => ContainerWorld;

  constructor(
    places: Places,
    log: NonNullable<RuntimeOptions['log']>,
    world: () => ContainerWorld,
  ) {
    this.#places = places;
    this.#log = log;
    this.#world = world;
  }

  /** `peers`: those whose namespaces it may join. @throws Error when its sandbox is not there */
  of(spec: ContainerSpec, peers: Map<string, Container>): Blueprint {
    const cgroup = this.#cgroupOf(spec);
    const surroundings = this.surroundings(spec, peers);
    return { spec, directory: this.#directoryOf(spec), cgroup, surroundings };
  }

  /** Without `peers`: of one that runs already. */
  async surroundings(spec: ContainerSpec, peers?: Map<string, Container>): Promise<Surroundings> {
    const { hierarchies, sandboxes } = this.#world();
    const sandbox = this.#sandboxOf(spec);
    const known = { spec, sandbox, hierarchies, cgroup: this.#cgroupOf(spec) };
    const directory = this.#directoryOf(spec);
    return gather({ ...known, sandboxes, peers }, { directory, log: this.#log });
  }

  #directoryOf({ id }: ContainerSpec): string {
    return `${this.#places.containers}/${id}`;
  }

  #sandboxOf({ id, sandboxId }: ContainerSpec): SandboxSpec {
    const sandbox = this.#world().sandboxes.get(sandboxId);
    if (sandbox === undefined) {
      throw new Error(`container ${id}: there is no sandbox ${sandboxId} on this node`);
    }
    return sandbox;
  }

  #cgroupOf(spec: ContainerSpec): string {
    return `${this.#sandboxOf(spec).cgroupPath}/${spec.cgroupName}`;
  }
}
