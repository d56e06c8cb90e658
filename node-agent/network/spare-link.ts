/**
 * One pod's network made beforehand, in idle time: to attach a pod is then to record its address and to mount its
 * namespace. It is only a descriptor, so that all of it ends with the process.
 */

import { closeSync } from 'node:fs';

export interface SpareLinkOptions {
  /** Takes an address that nobody has, in memory only. @throws Error when there is none */
  readonly reserve: () => string;
  readonly free: (ip: string) => void;
  /** Makes the network of an address: a namespace's descriptor. */
  readonly make: (ip: string) => Promise<number>;
}

export interface PodLink {
  readonly ip: string;
  /** The descriptor of the pod's namespace. */
  readonly netns: number;
}

/** Long enough that a start under way is not disturbed. */
const REFILL_AFTER_MS = 100;

export class SpareLink {
  readonly #options: SpareLinkOptions;
  #spare: Promise<PodLink> | undefined;
  #refill: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: SpareLinkOptions) {
    this.#options = options;
  }

  /** A network that is now the caller's: to be closed, and its address to be freed or recorded. */
  async take(): Promise<PodLink> {
    const spare = this.#spare;
    this.#spare = undefined;
    this.prepare();
    return spare?.catch(() => this.#make()) ?? this.#make();
  }

  /** Makes one soon, if there is none. */
  prepare(): void {
    if (this.#isClosed || this.#spare !== undefined) return;
    clearTimeout(this.#refill);
    this.#refill = setTimeout(() => {
      this.#spare ??= this.#make();
      this.#spare.catch(() => {}); // seen by who takes it, and tried again
    }, REFILL_AFTER_MS).unref();
  }

  /** Resolves with the address of the one that went, if there was one: its veth goes some time after. */
  async close(): Promise<string | undefined> {
    this.#isClosed = true;
    clearTimeout(this.#refill);
    const link = await this.#spare?.catch(() => undefined);
    this.#spare = undefined;
    if (link === undefined) return undefined;
    closeSync(link.netns);
    this.#options.free(link.ip);
    return link.ip;
  }

  async #make(): Promise<PodLink> {
    const { reserve, free, make } = this.#options;
    const ip = reserve();
    try {
      return { ip, netns: await make(ip) };
    } catch (error) {
      free(ip);
      throw error;
    }
  }
}
