/** Brings claims and volumes together, makes local volumes, and does with released ones what their policy says. */
import { keyOf, splitKey } from '#api/resources/meta.ts';
import {
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  storageClasses,
} from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
} from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import {
  type Outcome,
  reconcileKeys,
  requeueAfter,
  settled,
} from '#controller/runtime/reconcile.ts';
import { mappedKeys, selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import { classOf, isBound } from '#controller/workload/volume-match.ts';
import { claimPlan, type View } from './claim-plan.ts';
import { directoryAnnotation, hostOf } from './local-volume.ts';
import type { NodeVolumes } from './node-volumes.ts';
import { Performer } from './perform.ts';
import { volumePlan } from './volume-plan.ts';

/** A claim that waits looks again by itself (kube-controller-manager: every 15 s, all of them). */
const againMs = 60_000;

const claimKeyOf = ({ spec }: PersistentVolume): string[] => {
  const { namespace, name } = spec?.claimRef ?? {};
  return namespace === undefined || name === undefined ? [] : [`${namespace}/${name}`];
};

/** Open claims by class: a free volume or a class that came concerns them. */
const openClass = (claim: PersistentVolumeClaim): string[] =>
  isBound(claim) ? [] : [classOf(claim)];

class Volumes {
  readonly #world: World;
  readonly performer: Performer;
  readonly claims: Cache<PersistentVolumeClaim>;
  readonly volumes: Cache<PersistentVolume>;
  readonly classes: Cache<StorageClass>;
  readonly nodes: Cache<Node>;

  constructor(world: World, nodeVolumes: NodeVolumes) {
    this.#world = world;
    this.claims = world.cache<PersistentVolumeClaim>(persistentVolumeClaims);
    this.claims.addIndex('open-class', openClass);
    this.volumes = world.cache<PersistentVolume>(persistentVolumes);
    this.volumes.addIndex('claim', claimKeyOf).addIndex('class', (volume) => [classOf(volume)]);
    this.classes = world.cache<StorageClass>(storageClasses);
    this.nodes = world.cache<Node>(nodes);
    this.performer = new Performer(world, nodeVolumes);
  }

  get caches() {
    return [this.claims, this.volumes, this.classes, this.nodes];
  }

  /** Keys of the claims that the volume is for, or could be. */
  concerned(volume: PersistentVolume): string[] {
    const own = claimKeyOf(volume);
    return own.length > 0 ? own : this.open(classOf(volume));
  }

  open(storageClass: string): string[] {
    return this.claims.byIndex('open-class', storageClass).map(keyOf);
  }

  async claim(key: string, signal: AbortSignal): Promise<Outcome> {
    const claim = this.claims.get(key);
    if (claim === undefined) return settled();
    const plan = claimPlan(this.#view(claim, key));
    const actions = await this.performer.claim(claim, plan, signal);
    const waits = plan.type === 'wait' && plan.refuse === undefined;
    return waits ? requeueAfter(againMs, ...actions) : settled(...actions);
  }

  #view(claim: PersistentVolumeClaim, key: string): View {
    return {
      claim,
      volumes: new Set([
        ...this.volumes.byIndex('claim', key),
        ...this.volumes.byIndex('class', classOf(claim)),
      ]),
      volume: (name) => this.volumes.get(name),
      storageClass: (name) => this.classes.get(name),
      node: (name) => this.nodes.get(name),
      nodes: [...this.nodes.all()].filter(
        ({ metadata }) => metadata.annotations?.[directoryAnnotation] !== undefined,
      ),
    };
  }

  async volume(name: string, signal: AbortSignal): Promise<Outcome> {
    const volume = this.volumes.get(name);
    if (volume === undefined) return settled();
    const [key] = claimKeyOf(volume);
    const claim = key === undefined ? undefined : await this.#claimBehind(volume, key, signal);
    const plan = volumePlan(volume, claim);
    const node = this.#hostNode(volume);
    return settled(...(await this.performer.volume(volume, plan, node, signal)));
  }

  /** One that is gone is asked for once more: our cache may be behind, and data depends on it. */
  async #claimBehind(volume: PersistentVolume, key: string, signal: AbortSignal) {
    const known = this.claims.get(key);
    const uid = volume.spec?.claimRef?.uid ?? '';
    if (uid === '' || known?.metadata.uid === uid) return known;
    try {
      const { name, namespace = '' } = splitKey(key);
      const collection = this.#world.collection<PersistentVolumeClaim>(persistentVolumeClaims);
      return await collection.get({ name, namespace }, signal);
    } catch (error) {
      if (hasReason(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  #hostNode(volume: PersistentVolume): Node | undefined {
    const host = hostOf(volume);
    if (host === undefined) return undefined;
    const byName = this.nodes.get(host);
    if (byName !== undefined) return byName;
    return [...this.nodes.all()].find(
      ({ metadata }) => metadata.labels?.['kubernetes.io/hostname'] === host,
    );
  }
}

/** Both sides: claims find volumes, volumes follow their claims. */
export function volumeControllers(nodeVolumes: NodeVolumes): readonly Controller[] {
  return [
    {
      name: 'persistentvolume-binder',
      run: (world) => {
        const all = new Volumes(world, nodeVolumes);
        all.claims.changes.subscribe(({ before, after }) => {
          if (after === undefined) all.performer.forget(before?.metadata.uid ?? '');
        });
        const keys$ = whenSynced(
          all.caches,
          selfKeys(all.claims.changes),
          mappedKeys(all.volumes.changes, (volume) => all.concerned(volume)),
          mappedKeys(all.classes.changes, ({ metadata }) => all.open(metadata.name)),
        );
        return reconcileKeys(keys$, (key, signal) => all.claim(key, signal), {
          clock: world.clock,
        });
      },
    },
    {
      name: 'persistentvolume-reclaimer',
      run: (world) => {
        const all = new Volumes(world, nodeVolumes);
        const volumesOf = (claim: PersistentVolumeClaim) =>
          all.volumes.byIndex('claim', keyOf(claim)).map(keyOf);
        const keys$ = whenSynced(
          all.caches,
          selfKeys(all.volumes.changes),
          mappedKeys(all.claims.changes, volumesOf),
        );
        return reconcileKeys(keys$, (name, signal) => all.volume(name, signal), {
          clock: world.clock,
        });
      },
    },
  ];
}
