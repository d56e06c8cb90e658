/**
 * The volumes of the node's pods: made before the first container starts, kept equal to their ConfigMaps and Secrets
 * while the pod lives, taken away after it.
 */
import { chmod, chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { value } from '#api/resources/quantity.ts';
import type { ConfigMap, Pod, Secret, Volume } from '#api/resources/types.ts';
import { writePayload } from './atomic-writer.ts';
import { prepareHostPath } from './host-path.ts';
import type { ObjectSource } from './object-source.ts';
import {
  isPayloadVolume,
  type PayloadFacts,
  payloadReferences,
  VolumeError,
  volumePayload,
} from './payload.ts';
import { mountsBelow, removeTree } from './removal.ts';

export interface TmpfsMounts {
  mountTmpfs(target: string, sizeBytes: number | undefined): Promise<void>;
  unmount(target: string): Promise<void>;
}

export interface VolumesOptions {
  readonly configMaps: ObjectSource<ConfigMap>;
  readonly secrets: ObjectSource<Secret>;
  readonly mounts: TmpfsMounts;
  /** The directory of a pod's volumes. */
  readonly dirOf: (uid: string) => string;
  readonly facts: Pick<PayloadFacts, 'hostIP' | 'allocatable'>;
  readonly onProblem: (uid: string, error: unknown) => void;
}

interface Held {
  pod: Pod;
  readonly references: readonly { readonly kind: 'ConfigMap' | 'Secret'; readonly key: string }[];
  /** Work on one pod's volumes goes one after the other; never rejects. */
  turn: Promise<void>;
}

export class Volumes {
  readonly #options: VolumesOptions;
  readonly #held = new Map<string, Held>();

  constructor(options: VolumesOptions) {
    this.#options = options;
  }

  /** Follows the objects behind volumes; unsubscribe to stop. Emits nothing. */
  follow(onWaiting: (uid: string) => void): () => void {
    const { configMaps, secrets } = this.#options;
    const changed = (kind: string) => (key: string) => {
      for (const [uid, held] of this.#held) {
        if (!held.references.some((one) => one.kind === kind && one.key === key)) continue;
        this.#rewrite(uid, held);
        onWaiting(uid);
      }
    };
    const subscriptions = [
      configMaps.changes.subscribe(changed('ConfigMap')),
      secrets.changes.subscribe(changed('Secret')),
    ];
    return () => {
      for (const subscription of subscriptions) subscription.unsubscribe();
    };
  }

  /**
   * Makes what is missing. Resolves with where each volume stands on the host. Safe to call again.
   * @throws VolumeError when a required object is missing or a hostPath is not what it should be
   */
  async prepare(pod: Pod): Promise<ReadonlyMap<string, string>> {
    const volumes = pod.spec?.volumes ?? [];
    if (volumes.length === 0) return new Map();
    const held = this.#hold(pod);
    const work = held.turn.then(() =>
      Promise.all(
        volumes.map(
          async (volume) => [volume.name, await this.#prepareOne(held.pod, volume)] as const,
        ),
      ),
    );
    held.turn = work.then(
      () => undefined,
      () => undefined,
    );
    return new Map(await work);
  }

  /** The pod's labels or annotations may have changed: downward API volumes follow. */
  update(pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    const held = this.#held.get(uid);
    if (held === undefined || held.pod.metadata.resourceVersion === pod.metadata.resourceVersion) {
      return;
    }
    const before = held.pod.metadata;
    held.pod = pod;
    const { labels, annotations } = pod.metadata;
    const same =
      isDeepStrictEqual(before.labels, labels) &&
      isDeepStrictEqual(before.annotations, annotations);
    if (same) return;
    this.#rewrite(uid, held);
  }

  /** Stops following, unmounts and removes. Nothing there is no error. */
  async release(uid: string): Promise<void> {
    const held = this.#held.get(uid);
    this.#held.delete(uid);
    for (const { kind, key } of held?.references ?? []) this.#source(kind).release(key);
    await held?.turn;
    const dir = this.#options.dirOf(uid);
    for (const point of await mountsBelow(dir)) await this.#options.mounts.unmount(point);
    await removeTree(dir);
  }

  #source(kind: 'ConfigMap' | 'Secret'): ObjectSource<ConfigMap> | ObjectSource<Secret> {
    return kind === 'ConfigMap' ? this.#options.configMaps : this.#options.secrets;
  }

  #hold(pod: Pod): Held {
    const uid = pod.metadata.uid ?? '';
    const known = this.#held.get(uid);
    if (known !== undefined) {
      known.pod = pod;
      return known;
    }
    const volumes = (pod.spec?.volumes ?? []).filter(isPayloadVolume);
    const references = volumes.flatMap(payloadReferences).map(({ kind, name }) => ({
      kind,
      key: `${pod.metadata.namespace}/${name}`,
    }));
    for (const { kind, key } of references) this.#source(kind).acquire(key);
    const held = { pod, references, turn: Promise.resolve() };
    this.#held.set(uid, held);
    return held;
  }

  async #prepareOne(pod: Pod, volume: Volume): Promise<string> {
    if (volume.hostPath !== undefined) {
      await prepareHostPath(volume.hostPath.path, volume.hostPath.type ?? '');
      return volume.hostPath.path;
    }
    const dir = this.#dir(pod, volume.name);
    if (volume.emptyDir !== undefined) await this.#emptyDir(pod, volume, dir);
    else if (isPayloadVolume(volume)) await this.#write(pod, volume, dir);
    else throw new VolumeError(`volume "${volume.name}" is of a type this node does not serve`);
    return dir;
  }

  #dir(pod: Pod, name: string): string {
    return join(this.#options.dirOf(pod.metadata.uid ?? ''), name);
  }

  async #emptyDir(pod: Pod, volume: Volume, dir: string): Promise<void> {
    await mkdir(dir, { recursive: true, mode: 0o755 });
    const { medium, sizeLimit } = volume.emptyDir ?? {};
    if (medium === 'Memory' && !(await mountsBelow(dir)).includes(dir)) {
      const size = sizeLimit === undefined ? undefined : value(sizeLimit);
      await this.#options.mounts.mountTmpfs(dir, size);
    }
    const gid = pod.spec?.securityContext?.fsGroup;
    if (gid !== undefined) await chown(dir, 0, gid);
    // The umask takes bits from mkdir's mode, so it is set apart. 02000: new files belong to the group.
    await chmod(dir, gid === undefined ? 0o777 : 0o2777);
  }

  async #write(pod: Pod, volume: Volume, dir: string): Promise<void> {
    const namespace = pod.metadata.namespace ?? '';
    const { configMaps, secrets, facts } = this.#options;
    const maps = new Map<string, ConfigMap | undefined>();
    const hidden = new Map<string, Secret | undefined>();
    for (const { kind, name } of payloadReferences(volume)) {
      const key = `${namespace}/${name}`;
      if (kind === 'ConfigMap') maps.set(name, await configMaps.watched(key));
      else hidden.set(name, await secrets.watched(key));
    }
    const gid = pod.spec?.securityContext?.fsGroup;
    const payload = volumePayload(volume, {
      pod,
      ...facts,
      configMap: (name) => maps.get(name),
      secret: (name) => hidden.get(name),
    });
    const groupReads = gid === undefined ? 0 : 0o440;
    const files = [...payload].map(
      ([path, file]) => [path, { ...file, mode: file.mode | groupReads }] as const,
    );
    await writePayload(dir, new Map(files), gid);
  }

  #rewrite(uid: string, held: Held): void {
    held.turn = held.turn.then(async () => {
      if (this.#held.get(uid) !== held) return;
      for (const volume of (held.pod.spec?.volumes ?? []).filter(isPayloadVolume)) {
        // An object that went away leaves its last content, as with kubelet.
        const write = this.#write(held.pod, volume, this.#dir(held.pod, volume.name));
        await write.catch((error: unknown) => this.#options.onProblem(uid, error));
      }
    });
  }
}
