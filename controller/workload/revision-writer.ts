/** Writes an owner's ControllerRevisions. */
import type { Collection } from '#api/client/collection.ts';
import { controllerOf, keyOf, ownerReferenceTo } from '#api/resources/meta.ts';
import { controllerRevisions } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { ControllerRevision } from '#api/resources/types.ts';
import type { World } from '#controller/runtime/world.ts';
import { deleteObject, refOf } from '#controller/runtime/write.ts';
import type { Claim } from './claim.ts';
import { type History, isSameRevision, type Versioned } from './history.ts';

/** The name for the next revision is taken by another object: the owner's status counts a collision. */
export class Collision extends Error {
  override readonly name = 'Collision';
}

export class RevisionWriter {
  readonly #world: World;
  readonly #revisions: Collection<ControllerRevision>;

  constructor(world: World) {
    this.#world = world;
    this.#revisions = world.collection<ControllerRevision>(controllerRevisions);
  }

  async claim(
    owner: Versioned,
    { adopt, release }: Claim<ControllerRevision>,
    signal: AbortSignal,
  ): Promise<void> {
    for (const [revisions, adopted] of [
      [adopt, true],
      [release, false],
    ] as const) {
      for (const revision of revisions) await this.#own(owner, revision, adopted, signal);
    }
  }

  async #own(owner: Versioned, revision: ControllerRevision, adopt: boolean, signal: AbortSignal) {
    const { uid, resourceVersion, ownerReferences = [] } = revision.metadata;
    const others = ownerReferences.filter((one) => one.uid !== owner.metadata.uid);
    const owners = adopt ? [...others, ownerReferenceTo(owner)] : others;
    const patch = { metadata: { uid, resourceVersion, ownerReferences: owners } };
    this.#put(await this.#revisions.patch(refOf(revision), patch, 'merge', signal));
  }

  /**
   * Makes or renumbers the revision of now; gives words for the log.
   * @throws Collision if its name is another object's
   */
  async write(owner: Versioned, { write, update }: History, signal: AbortSignal) {
    const { name } = update.metadata;
    if (write === 'nothing') return [];
    if (write === 'renumber') {
      const { resourceVersion } = update.metadata;
      const patch = { metadata: { resourceVersion }, revision: update.revision };
      this.#put(await this.#revisions.patch(refOf(update), patch, 'merge', signal));
      return [`renumber ${name}`];
    }
    try {
      this.#put(await this.#revisions.create(update, signal));
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) throw error;
      await this.#find(owner, update, signal);
    }
    return [`create revision ${name}`];
  }

  /** Our own, which the cache did not show yet; else the name is another's. */
  async #find(owner: Versioned, update: ControllerRevision, signal: AbortSignal): Promise<void> {
    const held = await this.#revisions.get(refOf(update), signal);
    if (controllerOf(held)?.uid !== owner.metadata.uid || !isSameRevision(held, update)) {
      throw new Collision(
        `create ControllerRevision ${keyOf(update)}: another object has this name; trying the next`,
      );
    }
    this.#put(held);
  }

  async forget(revisions: readonly ControllerRevision[], signal: AbortSignal): Promise<string[]> {
    for (const revision of revisions) await deleteObject(this.#revisions, revision, signal);
    return revisions.map(({ metadata }) => `delete revision ${metadata.name}`);
  }

  #put(revision: ControllerRevision): void {
    this.#world.cache<ControllerRevision>(controllerRevisions).put(revision);
  }
}
