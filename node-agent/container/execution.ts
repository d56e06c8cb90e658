/** Runs further processes in containers. */

import type { WireProcess } from '#native/protocol.ts';
import { allCapabilities, capabilitySets } from './capabilities.ts';
import type { Container } from './container.ts';
import type { ContainerSpec, ExecSpec, Session } from './runtime.ts';
import { execSession } from './session.ts';
import type { Surroundings } from './surroundings.ts';
import { confinement, execProcess, type Joining } from './wire-process.ts';

interface Kept extends Joining {
  /** Of the container's own user. */
  readonly confined: WireProcess;
}

export class Execution {
  readonly #surroundings: (spec: ContainerSpec) => Promise<Surroundings>;
  /** A probe runs one every few seconds. An update makes another specification, and so another entry. */
  readonly #known = new WeakMap<ContainerSpec, Kept>();

  constructor(surroundings: (spec: ContainerSpec) => Promise<Surroundings>) {
    this.#surroundings = surroundings;
  }

  /** @throws StartError when the program cannot be run */
  async start(container: Container, exec: ExecSpec): Promise<Session> {
    const { spec } = container;
    const isUsual = exec.user === undefined && exec.privileged !== true;
    const kept = isUsual ? await this.#kept(spec) : undefined;
    const { confined, ...joining } = kept ?? (await this.#for(spec, exec));
    return execSession(
      container,
      { process: execProcess(joining, confined, exec), confined },
      exec,
    );
  }

  async #kept(spec: ContainerSpec): Promise<Kept> {
    const kept = this.#known.get(spec) ?? (await this.#as(spec, spec.user));
    this.#known.set(spec, kept);
    return kept;
  }

  async #for(spec: ContainerSpec, exec: ExecSpec): Promise<Kept> {
    const { uid } = exec.user ?? spec.user;
    const kept = await this.#as(spec, exec.user ?? spec.user);
    if (exec.privileged !== true) return kept;
    const capabilities = capabilitySets(allCapabilities, uid);
    return { ...kept, confined: Object.freeze({ ...kept.confined, capabilities }) };
  }

  async #as(spec: ContainerSpec, user: ContainerSpec['user']): Promise<Kept> {
    const around = await this.#surroundings(spec);
    return { spec, sandbox: around.sandbox, confined: confinement(around, user) };
  }
}
