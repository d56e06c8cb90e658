/** Brings each Image to its nodes: pulls, loads, names, pushes; takes its names away when it goes. */

import { finalize } from 'rxjs/internal/operators/finalize';
import { Subject } from 'rxjs/internal/Subject';
import { readImageName } from '#api/resources/image-name.ts';
import { equalJson } from '#api/resources/json.ts';
import { images, nodes, snapshots } from '#api/resources/resource-types.ts';
import type { Node } from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import { isTrue } from '#controller/runtime/conditions.ts';
import {
  addFinalizer,
  hasFinalizer,
  isBeingDeleted,
  removeFinalizer,
} from '#controller/runtime/finalizer.ts';
import {
  type Outcome,
  reconcileKeys,
  requeueAfter,
  settled,
} from '#controller/runtime/reconcile.ts';
import { every, mappedKeys, selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import { writeStatus } from '#controller/runtime/write.ts';
import { Deliveries } from './deliveries.ts';
import type { HeldImage, NodeImages } from './node-images.ts';
import { namesOf, type Plan, plan, wantedOf } from './plan.ts';
import { Transfers, type TransferView } from './transfers.ts';
import type { Image, Snapshot } from './types.ts';
import type { NodeView } from './view.ts';

const finalizer = 'bayplan.dev/image';
/** A node that does not answer holds up its image no longer than this. */
const askMs = 10_000;
/** What changes on a node without a word is seen after this long. */
const lookMs = 300_000;

class ImageController {
  readonly #world: World;
  readonly #nodeImages: NodeImages;
  readonly images: Cache<Image>;
  readonly nodes: Cache<Node>;
  readonly snapshots: Cache<Snapshot>;
  readonly transfers: Transfers;
  readonly deliveries: Deliveries;
  /** Images whose transfers have something to tell. */
  readonly moved = new Subject<string>();

  constructor(world: World, nodeImages: NodeImages) {
    this.#world = world;
    this.#nodeImages = nodeImages;
    this.images = world.cache<Image>(images);
    this.nodes = world.cache<Node>(nodes);
    this.snapshots = world.cache<Snapshot>(snapshots);
    this.transfers = new Transfers(world.clock, (name) => this.moved.next(name));
    this.deliveries = new Deliveries(world, nodeImages, this.transfers);
  }

  async reconcile(name: string, signal: AbortSignal): Promise<Outcome> {
    const image = this.images.get(name);
    if (image === undefined || isBeingDeleted(image)) this.transfers.cancel(name);
    if (image === undefined) return settled();
    if (isBeingDeleted(image)) return this.#release(image, signal);
    const collection = this.#world.collection<Image>(images);
    if (!hasFinalizer(image, finalizer)) {
      this.images.put(await addFinalizer(collection, image, finalizer, signal));
      return settled('finalizer');
    }
    return this.#hold(image, signal);
  }

  async #hold(image: Image, signal: AbortSignal): Promise<Outcome> {
    const { name } = image.metadata;
    const { clock } = this.#world;
    const { snapshot: from } = image.spec.source;
    const snapshot = from && this.snapshots.get(`${from.namespace}/${from.name}`);
    const what = JSON.stringify(wantedOf(image, snapshot));
    const chosen = this.#chosen(image);
    const kept = new Set([...chosen, ...(image.spec.push ?? [])]);
    this.transfers.cancel(name, kept);
    const views = await Promise.all(chosen.map((node) => this.#look(image, node, what, signal)));
    const pushes = new Map<string, TransferView>();
    for (const target of image.spec.push ?? []) {
      const view = this.transfers.view(name, target, target);
      if (view !== undefined) pushes.set(target, view);
    }
    const othersNames = this.#othersNames(name);
    const view = { image, nodes: views, snapshot, pushes, othersNames, nowMs: clock.now() };
    const wanted = plan(view);
    const recorded = await this.#record(image, wanted, signal);
    await this.#perform(recorded, wanted, what, signal);
    const collection = this.#world.collection<Image>(images);
    // Names that could not be taken back yet are still ours.
    const left = (image.status?.names ?? []).filter((one) =>
      wanted.untag.some((u) => u.name === one),
    );
    const names = [...new Set([...(wanted.status.names ?? []), ...left])];
    await writeStatus(collection, this.images, recorded, { ...wanted.status, names }, signal);
    const retryMs = this.#retryMs([...views.map(({ transfer }) => transfer), ...pushes.values()]);
    return retryMs === undefined ? settled() : requeueAfter(retryMs);
  }

  /** Says which names are to be given before any is: whoever is killed in between would never take them back. */
  async #record(image: Image, wanted: Plan, signal: AbortSignal): Promise<Image> {
    if (wanted.tag.length + wanted.fetch.length === 0) return image;
    const held = image.status?.names ?? [];
    const names = [...new Set([...held, ...(wanted.status.names ?? [])])];
    if (names.length === held.length) return image;
    const collection = this.#world.collection<Image>(images);
    await writeStatus(collection, this.images, image, { ...image.status, names }, signal);
    return this.images.get(image.metadata.name) ?? image;
  }

  /** Ready nodes with the labels asked for. */
  #chosen({ spec }: Image): readonly string[] {
    const wanted = Object.entries(spec.nodeSelector ?? {});
    return [...this.nodes.all()]
      .filter(({ status }) => isTrue(status?.conditions, 'Ready'))
      .filter(({ metadata }) => wanted.every(([key, value]) => metadata.labels?.[key] === value))
      .map(({ metadata }) => metadata.name)
      .sort();
  }

  async #look(image: Image, node: string, what: string, signal: AbortSignal): Promise<NodeView> {
    const transfer = this.transfers.view(image.metadata.name, node, what);
    if (transfer?.isRunning === true) return { name: node, transfer };
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(askMs)]);
      return { name: node, transfer, held: await this.#nodeImages.list(node, limit) };
    } catch (error) {
      signal.throwIfAborted();
      return { name: node, transfer, problem: `ask the node for its images: ${messageOf(error)}` };
    }
  }

  #othersNames(name: string): ReadonlySet<string> {
    const others = [...this.images.all()].filter(
      (other) => other.metadata.name !== name && !isBeingDeleted(other),
    );
    return new Set(others.flatMap(namesOf));
  }

  async #perform(image: Image, wanted: Plan, what: string, signal: AbortSignal): Promise<void> {
    for (const node of wanted.fetch) this.deliveries.fetch(image, node, what);
    for (const { node, source, name } of wanted.tag) {
      await this.#nodeImages.tag(node, source, name, signal);
    }
    for (const { node, name } of wanted.untag) await this.#nodeImages.remove(node, name, signal);
    for (const named of wanted.push) this.deliveries.push(image, named);
  }

  #retryMs(transfers: readonly (TransferView | undefined)[]): number | undefined {
    const now = this.#world.clock.now();
    const due = transfers.flatMap((transfer) =>
      transfer !== undefined && !transfer.isRunning && transfer.retryAtMs > now
        ? [transfer.retryAtMs - now]
        : [],
    );
    return due.length === 0 ? undefined : Math.min(...due) + 1;
  }

  /** Takes the names away on all nodes that answer; one that is lost keeps nobody's document from going. */
  async #release(image: Image, signal: AbortSignal): Promise<Outcome> {
    if (!hasFinalizer(image, finalizer)) return settled();
    const others = this.#othersNames(image.metadata.name);
    const names = new Set([
      ...namesOf(image),
      ...pinnedName(image),
      ...(image.status?.names ?? []),
    ]);
    const gone = [...names].filter((one) => !others.has(one));
    const ready = this.#chosen({ ...image, spec: { ...image.spec, nodeSelector: {} } });
    const limit = AbortSignal.any([signal, AbortSignal.timeout(askMs)]);
    const each = async (node: string) => {
      const held = await this.#nodeImages.list(node, limit);
      for (const one of gone.filter((name) => held.some(isCalled(name)))) {
        await this.#nodeImages.remove(node, one, limit);
      }
    };
    await Promise.all(ready.map(each));
    await removeFinalizer(this.#world.collection<Image>(images), image, finalizer, signal);
    return settled('released');
  }
}

/** The name of content that was asked for by its digest alone. */
function pinnedName({ spec }: Image): readonly string[] {
  const { repository, tag, digest } = readImageName(spec.source.reference ?? '');
  return digest === undefined || tag !== undefined ? [] : [`${repository}@${digest}`];
}

/** A digest is no name that can be taken away alone: it goes when nobody calls the content anything else. */
const isCalled =
  (name: string) =>
  ({ tags, repoDigests = [] }: HeldImage): boolean =>
    tags.includes(name) || (tags.length === 0 && repoDigests.includes(name));

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** What of a node decides which images it holds. */
const facts = (node: Node | undefined) => [
  node?.metadata.labels,
  isTrue(node?.status?.conditions, 'Ready'),
  node?.status?.images,
];

/** `nodeImages`: how nodes are asked for what they hold. */
export const imageController = (nodeImages: NodeImages): Controller => ({
  name: 'image',
  run: (world) => {
    const all = new ImageController(world, nodeImages);
    const nodesMoved = new Subject<string>();
    all.nodes.changes.subscribe(({ before, after }) => {
      if (equalJson(facts(before), facts(after))) return;
      for (const name of all.images.keys()) nodesMoved.next(name);
    });
    const ofSnapshot = ({ metadata: { namespace, name } }: Snapshot) =>
      [...all.images.all()]
        .filter(({ spec: { source } }) => equalJson(source.snapshot, { namespace, name }))
        .map(({ metadata }) => metadata.name);
    const keys$ = whenSynced(
      [all.images, all.nodes],
      selfKeys(all.images.changes),
      nodesMoved,
      all.moved,
      mappedKeys(all.snapshots.changes, ofSnapshot),
      every(lookMs, () => all.images.keys(), world.clock),
    );
    const { clock } = world;
    const runs$ = reconcileKeys(keys$, (key, signal) => all.reconcile(key, signal), { clock });
    return runs$.pipe(finalize(() => all.transfers.close()));
  },
});
