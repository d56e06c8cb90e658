/**
 * Which pod has which address. Memory holds a bitmap; the truth is one symbolic link per address, `<directory>/<ip>` with the
 * pod's uid as its target: taking an address is one atomic system call, so that a crash leaves it either taken or free.
 */

import { mkdir, readdir, readlink, rm, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cidr, ipText, offsetIn } from './cidr.ts';

export class AddressBook {
  readonly #directory: string;
  readonly #cidr: Cidr;
  readonly #taken: Uint8Array;
  readonly #offsets = new Map<string, number>();
  /** The search goes on from here: a freed address rests as long as possible, while its old traces fade. */
  #next = 2;

  constructor(directory: string, cidr: Cidr) {
    this.#directory = directory;
    this.#cidr = cidr;
    this.#taken = new Uint8Array(cidr.size);
    for (const reserved of [0, 1, cidr.size - 1]) this.#taken[reserved] = 1; // network, gateway, broadcast
  }

  /** Reads what is taken. What is not of this network any more is forgotten. */
  async open(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#directory)) {
      const path = join(this.#directory, name);
      const offset = offsetIn(this.#cidr, name);
      const podUid = await readlink(path).catch(() => undefined);
      const usable = offset !== undefined && !this.#taken[offset];
      if (usable && podUid !== undefined && !this.#offsets.has(podUid)) this.#note(podUid, offset);
      else await rm(path, { force: true, recursive: true });
    }
  }

  get(podUid: string): string | undefined {
    const offset = this.#offsets.get(podUid);
    return offset === undefined ? undefined : ipText(this.#cidr.base + offset);
  }

  pods(): readonly string[] {
    return [...this.#offsets.keys()];
  }

  /** Takes an address for a pod to come: forgotten by a crash. @throws Error when all are taken */
  reserve(): string {
    const offset = this.#free();
    this.#taken[offset] = 1;
    return ipText(this.#cidr.base + offset);
  }

  /** Gives back what was reserved. */
  free(ip: string): void {
    const offset = offsetIn(this.#cidr, ip);
    if (offset !== undefined) this.#taken[offset] = 0;
  }

  /** The reserved address is the pod's, also after a crash from then on that this resolves. */
  async record(podUid: string, ip: string): Promise<void> {
    const offset = offsetIn(this.#cidr, ip);
    if (offset === undefined)
      throw new Error(`record the address ${ip}: not of ${this.#cidr.text}`);
    this.#note(podUid, offset);
    await symlink(podUid, join(this.#directory, ip));
  }

  /** Whether a pod has the address, by the record alone. */
  async isRecorded(ip: string): Promise<boolean> {
    const podUid = await readlink(join(this.#directory, ip)).catch(() => undefined);
    return podUid !== undefined;
  }

  /** Nothing to release is no error. */
  async release(podUid: string): Promise<void> {
    const offset = this.#offsets.get(podUid);
    if (offset === undefined) return;
    await unlink(join(this.#directory, ipText(this.#cidr.base + offset))).catch(ignoreMissing);
    this.#forget(podUid, offset);
  }

  #free(): number {
    const { size } = this.#cidr;
    for (let i = 0; i < size; i++) {
      const offset = (this.#next + i) % size;
      if (this.#taken[offset]) continue;
      this.#next = (offset + 1) % size;
      return offset;
    }
    throw new Error(
      `take an address of ${this.#cidr.text}: all ${size - 3} are taken; delete pods or give the node a larger pod CIDR`,
    );
  }

  #note(podUid: string, offset: number): void {
    this.#taken[offset] = 1;
    this.#offsets.set(podUid, offset);
  }

  #forget(podUid: string, offset: number): void {
    this.#taken[offset] = 0;
    this.#offsets.delete(podUid);
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
