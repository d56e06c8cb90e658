/**
 * What Container documents keep on this node while their Pods come and go, below `<dataDir>/containers/<uid>`:
 *
 *     container.json   whose it is, what it stands on and what is mounted in it; written before each start
 *     layer/           upper/ and work/, the writable layer
 *     volumes/<n>/     the volumes that its image asks for
 *     log/             what its earlier Pods wrote (kept-logs.ts)
 *
 * It goes when the API has no such document any more: renamed first, so that what has a uid's name is always whole.
 */
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Subscription } from 'rxjs/internal/Subscription';
import type { ApiObject, Client, Collection } from '#api/client/collection.ts';
import { controllerOf } from '#api/resources/meta.ts';
import { containers } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { Pod } from '#api/resources/types.ts';
import type { Log } from '#controller/runtime/log.ts';
import { watchCollection } from '#controller/runtime/watch.ts';
import type { ContainerRecord } from '#node-agent/container/runtime.ts';
import { removeTree } from '../volume/removal.ts';
import { type KeptContainer, readRecord, writeRecord } from './kept-record.ts';
import { makeMountPoints } from './mount-points.ts';
import { Wishes } from './wishes.ts';

interface Options {
  readonly dataDir: string;
  readonly client: Client;
  /** The record of a container of this node. */
  readonly record: (id: string) => ContainerRecord | undefined;
  readonly log: Log;
  /** Finishes what an operation was killed over in a container's directory. */
  readonly recover?: (dir: string) => Promise<void>;
}

const removed = '.removed';

/** The uid of the Container document that a Pod was made for; undefined for any other Pod. */
export function keeperOf(pod: Pod): string | undefined {
  const owner = controllerOf(pod);
  const isOurs = owner?.kind === 'Container' && owner.apiVersion.startsWith('bayplan.dev/');
  return isOurs ? owner.uid : undefined;
}

export class KeptContainers {
  readonly #options: Options;
  /** What the documents want of containers that run. */
  readonly wishes = new Wishes();
  readonly #root: string;
  readonly #containers: Collection<ApiObject>;
  /** The container that has the layer mounted, or had it last, by uid. */
  readonly #holders = new Map<string, string>();
  readonly #gone = new Set<string>();
  /** Layers that an operation writes to at rest. */
  readonly #written = new Set<string>();
  #watch: Subscription | undefined;
  #mountPoints: Promise<string> | undefined;
  #closed = false;

  constructor(options: Options) {
    this.#options = options;
    this.#containers = options.client.collection<ApiObject>(containers);
    this.#root = join(options.dataDir, 'containers');
  }

  /** Takes over what an earlier life of the agent left, and follows its documents. */
  async start(records: readonly ContainerRecord[]): Promise<void> {
    for (const { spec } of records) {
      const uid = this.ownerOf(spec.layerDir);
      if (uid !== undefined && this.isHeld(uid) === false) this.#holders.set(uid, spec.id);
    }
    const names = await this.#names();
    for (const name of names.filter((name) => name.endsWith(removed))) {
      await removeTree(join(this.#root, name)).catch((error) => this.#complain(name, error));
    }
    for (const { uid } of await this.all()) await this.#options.recover?.(this.dir(uid));
    if (names.length > 0) this.#follow();
  }

  close(): void {
    this.#closed = true;
    this.#watch?.unsubscribe();
  }

  dir(uid: string): string {
    return join(this.#root, uid);
  }

  /** The uid of the Container whose layer a directory is; undefined for a layer that is nobody's. */
  ownerOf(layerDir: string): string | undefined {
    if (!layerDir.startsWith(`${this.#root}/`)) return undefined;
    return layerDir.slice(this.#root.length + 1).split('/')[0];
  }

  layerDir(uid: string): string {
    return join(this.#root, uid, 'layer');
  }

  volumeDir(uid: string, name: string): string {
    return join(this.#root, uid, 'volumes', name);
  }

  /** Where volumes with a name are, by namespace. */
  get sharedVolumesDir(): string {
    return join(this.#options.dataDir, 'volumes');
  }

  /** Nobody else looks into it. */
  async makeSharedVolumes(): Promise<void> {
    await mkdir(this.sharedVolumesDir, { recursive: true, mode: 0o700 });
  }

  /**
   * The lowest layer of every kept container: where `/etc/hosts` and the file systems of the kernel are mounted, if its
   * image has no such places. So that they are not among what the container has changed.
   */
  mountPoints(): Promise<string> {
    this.#mountPoints ??= makeMountPoints(join(this.#options.dataDir, 'mount-points'));
    return this.#mountPoints;
  }

  /** The runtime's container that has the layer mounted now. */
  holder(uid: string): string | undefined {
    const id = this.#holders.get(uid);
    if (id === undefined) return undefined;
    return this.#options.record(id)?.state.phase === 'running' ? id : undefined;
  }

  isHeld(uid: string): boolean {
    return this.holder(uid) !== undefined || this.#written.has(uid);
  }

  /** The layer is `id`'s from now on, which is about to be started; false while somebody else has it. */
  take(uid: string, id: string): boolean {
    if (this.isHeld(uid)) return false;
    this.#holders.set(uid, id);
    return true;
  }

  /** Works on the layer of a container at rest. Undefined when it is not at rest. */
  async whileAtRest<T>(uid: string, work: () => Promise<T>): Promise<T | undefined> {
    if (this.isHeld(uid)) return undefined;
    this.#written.add(uid);
    try {
      return await work();
    } finally {
      this.#written.delete(uid);
    }
  }

  /** Remembers what a container is about to be started with; on disk when it resolves. */
  async remember(kept: KeptContainer): Promise<void> {
    await writeRecord(this.dir(kept.uid), kept);
    if (!this.#closed) this.#follow();
  }

  /** What is kept under a uid; undefined when there is nothing, or a start was interrupted before it was written. */
  find(uid: string): Promise<KeptContainer | undefined> {
    return readRecord(this.dir(uid));
  }

  /** The document itself, from the API. */
  document(of: { readonly namespace: string; readonly name: string }): Promise<ApiObject> {
    return this.#containers.get(of);
  }

  /** All that is kept. */
  async all(): Promise<readonly KeptContainer[]> {
    const names = (await this.#names()).filter((name) => !name.endsWith(removed));
    const found = await Promise.all(names.map((name) => this.find(name)));
    return found.filter((kept) => kept !== undefined);
  }

  /** Removes what is nobody's any more and was in use when its document went. */
  async removeGone(): Promise<void> {
    for (const uid of this.#gone) await this.#remove(uid);
  }

  readonly #names = (): Promise<string[]> => readdir(this.#root).catch(() => []);

  #follow(): void {
    this.#watch ??= watchCollection(this.#containers).subscribe((event) => {
      this.wishes.take(event);
      if (event.type === 'replaced') void this.#checkAll();
      if (event.type !== 'deleted') return;
      void this.#check(event.object.metadata.uid ?? '');
    });
  }

  async #checkAll(): Promise<void> {
    for (const { uid } of await this.all()) await this.#check(uid);
  }

  /** The watch only says when to look: what is removed is what the API does not have. */
  async #check(uid: string): Promise<void> {
    try {
      const kept = await this.find(uid);
      if (kept === undefined || (await this.#exists(kept))) return;
      this.#gone.add(uid);
      await this.#remove(uid);
    } catch (error) {
      this.#complain(uid, error);
    }
  }

  async #exists({ namespace, name, uid }: KeptContainer): Promise<boolean> {
    try {
      const found = await this.#containers.get({ namespace, name });
      return found.metadata.uid === uid;
    } catch (error) {
      if (hasReason(error, 'NotFound')) return false;
      throw error;
    }
  }

  async #remove(uid: string): Promise<void> {
    if (this.isHeld(uid)) return;
    const away = `${this.dir(uid)}${removed}`;
    try {
      await rename(this.dir(uid), away);
      await removeTree(away);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#complain(uid, error);
    }
    this.#gone.delete(uid);
    this.#holders.delete(uid);
  }

  #complain(uid: string, error: unknown): void {
    this.#options.log.warn('what a container kept is not removed', { uid, error });
  }
}
