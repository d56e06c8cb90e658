/** Does what the plans say; the only writer of volumes, and of what binds claims to them. */
import type { Collection } from '#api/client/collection.ts';
import { persistentVolumeClaims, persistentVolumes } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { Node, PersistentVolume, PersistentVolumeClaim } from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import type { World } from '#controller/runtime/world.ts';
import { defined, deleteObject, refOf, writeStatus } from '#controller/runtime/write.ts';
import { type ClaimPlan, selectedNode, type Told } from './claim-plan.ts';
import { hostOf } from './local-volume.ts';
import type { NodeVolumes } from './node-volumes.ts';
import { boundByController, type VolumePlan } from './volume-plan.ts';

const bindCompleted = 'pv.kubernetes.io/bind-completed';
const storageProvisioner = 'volume.kubernetes.io/storage-provisioner';

export class Performer {
  readonly #world: World;
  readonly #nodeVolumes: NodeVolumes;
  readonly #claims: Collection<PersistentVolumeClaim>;
  readonly #volumes: Collection<PersistentVolume>;
  readonly #claimCache: Cache<PersistentVolumeClaim>;
  readonly #volumeCache: Cache<PersistentVolume>;
  /** What was told last of each claim: the same is not told again with each look. */
  readonly #told = new Map<string, string>();

  constructor(world: World, nodeVolumes: NodeVolumes) {
    this.#world = world;
    this.#nodeVolumes = nodeVolumes;
    this.#claims = world.collection(persistentVolumeClaims);
    this.#volumes = world.collection(persistentVolumes);
    this.#claimCache = world.cache(persistentVolumeClaims);
    this.#volumeCache = world.cache(persistentVolumes);
  }

  forget(uid: string): void {
    this.#told.delete(uid);
  }

  async claim(
    claim: PersistentVolumeClaim,
    plan: ClaimPlan,
    signal: AbortSignal,
  ): Promise<string[]> {
    switch (plan.type) {
      case 'bind':
        return this.#bind(claim, plan.volume, signal);
      case 'provision':
        return this.#provision(claim, plan.volume, signal);
      case 'lost':
        this.#tell(claim, plan.told);
        return (await this.#claimStatus(claim, { phase: 'Lost' }, signal)) ? ['lost'] : [];
      case 'wait':
        if (plan.told !== undefined) this.#tell(claim, plan.told);
        return this.#mark(claim, plan, signal);
      default:
        return [];
    }
  }

  async volume(
    volume: PersistentVolume,
    plan: VolumePlan,
    node: Node | undefined,
    signal: AbortSignal,
  ): Promise<string[]> {
    switch (plan.type) {
      case 'phase': {
        const { phase, message } = plan;
        return (await this.#phase(volume, phase, signal, message)) ? [phase] : [];
      }
      case 'unbind': {
        const metadata = { ...versionOf(volume), annotations: { [boundByController]: null } };
        const patch = { metadata, spec: { claimRef: null } };
        this.#volumeCache.put(await this.#volumes.patch(refOf(volume), patch, 'merge', signal));
        return ['unbind'];
      }
      case 'release':
        return this.#release(volume, plan.remove, node, signal);
      default:
        return [];
    }
  }

  /** Each step is skipped if it was done before: a binding that broke off is taken up where it ended. */
  async #bind(
    claim: PersistentVolumeClaim,
    volume: PersistentVolume,
    signal: AbortSignal,
  ): Promise<string[]> {
    const taken = await this.#reserve(claim, volume, signal);
    await this.#phase(taken, 'Bound', signal);
    const named = await this.#name(claim, taken, signal);
    const { accessModes, capacity } = taken.spec ?? {};
    const status = defined({ phase: 'Bound', accessModes, capacity });
    const wrote = await this.#claimStatus(named, status, signal);
    return wrote ? [`bind to ${taken.metadata.name}`] : [];
  }

  async #reserve(claim: PersistentVolumeClaim, volume: PersistentVolume, signal: AbortSignal) {
    const { uid, namespace, name, resourceVersion } = claim.metadata;
    const held = volume.spec?.claimRef;
    if (held?.uid === uid) return volume;
    const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid };
    const annotations = held === undefined ? { [boundByController]: 'yes' } : {};
    const patch = {
      metadata: { ...versionOf(volume), annotations },
      spec: { claimRef: { ...claimRef, resourceVersion } },
    };
    const reply = await this.#volumes.patch(refOf(volume), patch, 'merge', signal);
    this.#volumeCache.put(reply);
    return reply;
  }

  async #name(claim: PersistentVolumeClaim, volume: PersistentVolume, signal: AbortSignal) {
    const { annotations } = claim.metadata;
    const byUser = (claim.spec?.volumeName ?? '') !== '';
    if (byUser && annotations?.[bindCompleted] !== undefined) return claim;
    const patch = {
      metadata: {
        ...versionOf(claim),
        annotations: { [bindCompleted]: 'yes', ...(byUser ? {} : { [boundByController]: 'yes' }) },
      },
      spec: { volumeName: volume.metadata.name },
    };
    const reply = await this.#claims.patch(refOf(claim), patch, 'merge', signal);
    this.#claimCache.put(reply);
    return reply;
  }

  /** The volume comes as a change and is bound then. */
  async #provision(
    claim: PersistentVolumeClaim,
    volume: PersistentVolume,
    signal: AbortSignal,
  ): Promise<string[]> {
    const { name } = volume.metadata;
    try {
      this.#volumeCache.put(await this.#volumes.create(volume, signal));
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) throw error;
    }
    const message = `Successfully provisioned volume ${name}`;
    this.#tell(claim, { type: 'Normal', reason: 'ProvisioningSucceeded', message });
    return [`make ${name}`];
  }

  /** Says on the claim who is to make its volume, or that it cannot be made where it was wanted. */
  async #mark(
    claim: PersistentVolumeClaim,
    { refuse, ask }: Extract<ClaimPlan, { type: 'wait' }>,
    signal: AbortSignal,
  ): Promise<string[]> {
    const { annotations } = claim.metadata;
    const wanted = {
      ...(refuse === true ? { [selectedNode]: null } : {}),
      ...(ask === undefined ? {} : { [storageProvisioner]: ask }),
    };
    const same = Object.entries(wanted).every(
      ([key, value]) => (annotations?.[key] ?? null) === value,
    );
    if (same) return [];
    const patch = { metadata: { ...versionOf(claim), annotations: wanted } };
    this.#claimCache.put(await this.#claims.patch(refOf(claim), patch, 'merge', signal));
    return [refuse === true ? 'refuse the node' : `ask ${ask}`];
  }

  async #release(
    volume: PersistentVolume,
    remove: boolean,
    node: Node | undefined,
    signal: AbortSignal,
  ): Promise<string[]> {
    const { name } = volume.metadata;
    const wrote = await this.#phase(volume, 'Released', signal);
    if (!remove) return wrote ? ['release'] : [];
    const host = hostOf(volume);
    // A node that is gone has taken the directory with it.
    if (node !== undefined && host !== undefined) {
      try {
        await this.#nodeVolumes.remove(node.metadata.name, name, signal);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        const told = { type: 'Warning', reason: 'VolumeFailedDelete', message } as const;
        this.#world.events.record(volume, told);
        throw error;
      }
    }
    await deleteObject(this.#volumes, volume, signal);
    return [`delete ${name}`];
  }

  #phase(volume: PersistentVolume, phase: string, signal: AbortSignal, message?: string) {
    // What others have said of the phase it has stays.
    if (volume.status?.phase === phase) return false;
    const { message: _, reason: __, ...held } = volume.status ?? {};
    if (message !== undefined) {
      const told = { type: 'Warning', reason: 'VolumeFailedDelete', message } as const;
      this.#world.events.record(volume, told);
    }
    const status = { ...held, phase, ...defined({ message }) };
    return writeStatus(this.#volumes, this.#volumeCache, volume, status, signal);
  }

  #claimStatus(
    claim: PersistentVolumeClaim,
    status: NonNullable<PersistentVolumeClaim['status']>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const wanted = { ...claim.status, ...status };
    return writeStatus(this.#claims, this.#claimCache, claim, wanted, signal);
  }

  #tell(claim: PersistentVolumeClaim, told: Told): void {
    const { uid = '' } = claim.metadata;
    const text = `${told.reason}\n${told.message}`;
    if (this.#told.get(uid) === text) return;
    this.#told.set(uid, text);
    this.#world.events.record(claim, told);
  }
}

const versionOf = ({ metadata }: PersistentVolume | PersistentVolumeClaim) =>
  defined({ uid: metadata.uid, resourceVersion: metadata.resourceVersion });
