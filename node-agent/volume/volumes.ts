/**
 * The volumes of the node's pods: made before the first container starts, kept equal to their ConfigMaps and Secrets
 * while the pod lives, taken away after it.
 */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ConfigMap, Pod, Secret, Volume } from '#api/resources/types.ts';
import { writePayload } from './atomic-writer.ts';
import { type ClaimSource, claimedPath, claimName } from './claim.ts';
import { makeEmptyDir, makeSecretDir, type TmpfsMounts } from './empty-dir.ts';
import { prepareHostPath } from './host-path.ts';
import type { ObjectSource } from './object-source.ts';
import { isPayloadVolume, type PayloadFacts, payloadReferences, volumePayload } from './payload.ts';
import { type PodTokens, type TokenSource, tokenSources } from './pod-tokens.ts';
import { mountsBelow, removeTree } from './removal.ts';
import { VolumeError } from './volume-error.ts';

export interface VolumesOptions {
  readonly configMaps: ObjectSource<ConfigMap>;
  readonly secrets: ObjectSource<Secret>;
  readonly tokens: PodTokens;
  readonly mounts: TmpfsMounts;
  readonly claims: ClaimSource;
  /** Where this node's own persistent volumes are. */
  readonly persistentVolumes: string;
  /** The directory of a pod's volumes. */
  readonly dirOf: (uid: string) => string;
  readonly facts: Pick<PayloadFacts, 'hostIP' | 'allocatable'>;
  readonly onProblem: (uid: string, error: unknown) => void;
}

/** A token that is due at once (or could not be renewed) is asked for again after this. */
const renewalMsMin = 10_000;

interface Held {
  pod: Pod;
  readonly references: readonly { readonly kind: 'ConfigMap' | 'Secret'; readonly key: string }[];
  /** Work on one pod's volumes goes one after the other; never rejects. */
  turn: Promise<void>;
  /** When the first of its tokens is to be renewed. */
  renewal?: NodeJS.Timeout;
  renewalAtMs?: number;
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
    clearTimeout(held?.renewal);
    this.#options.tokens.forget(uid);
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
    const claim = claimName(pod, volume);
    if (claim !== undefined) {
      const { claims, persistentVolumes } = this.#options;
      return claimedPath(pod, claim, { claims, ownDir: persistentVolumes });
    }
    const dir = this.#dir(pod, volume.name);
    // Filled by the first container that mounts it, which waits for the image.
    if (volume.image !== undefined) return dir;
    if (volume.emptyDir !== undefined) await makeEmptyDir(pod, volume, dir, this.#options.mounts);
    else if (isPayloadVolume(volume)) {
      const made = isSecret(volume) ? makeSecretDir(dir, this.#options.mounts) : undefined;
      await this.#write(pod, volume, dir, made);
    } else throw new VolumeError(`volume "${volume.name}" is of a type this node does not serve`);
    return dir;
  }

  #dir(pod: Pod, name: string): string {
    return join(this.#options.dirOf(pod.metadata.uid ?? ''), name);
  }

  /** `made`: the directory is being made meanwhile. */
  async #write(pod: Pod, volume: Volume, dir: string, made?: Promise<void>): Promise<void> {
    const [objects, tokens] = await Promise.all([
      this.#objects(pod, volume),
      this.#tokens(pod, volume),
      made,
    ]);
    const gid = pod.spec?.securityContext?.fsGroup;
    const payload = volumePayload(volume, {
      pod,
      ...this.#options.facts,
      ...objects,
      token: (source) => tokens.get(source) ?? '',
    });
    const groupReads = gid === undefined ? 0 : 0o440;
    const files = [...payload].map(
      ([path, file]) => [path, { ...file, mode: file.mode | groupReads }] as const,
    );
    await writePayload(dir, new Map(files), { gid, inMemory: isSecret(volume) });
  }

  async #objects(pod: Pod, volume: Volume): Promise<Pick<PayloadFacts, 'configMap' | 'secret'>> {
    const { configMaps, secrets } = this.#options;
    const maps = new Map<string, ConfigMap | undefined>();
    const hidden = new Map<string, Secret | undefined>();
    const see = async ({ kind, name }: { kind: 'ConfigMap' | 'Secret'; name: string }) => {
      const key = `${pod.metadata.namespace}/${name}`;
      if (kind === 'ConfigMap') maps.set(name, await configMaps.watched(key));
      else hidden.set(name, await secrets.watched(key));
    };
    await Promise.all(payloadReferences(volume).map(see));
    return { configMap: (name) => maps.get(name), secret: (name) => hidden.get(name) };
  }

  async #tokens(pod: Pod, volume: Volume): Promise<ReadonlyMap<TokenSource, string>> {
    const sources = tokenSources(volume);
    const tokens = await Promise.all(
      sources.map((source) => this.#options.tokens.token(pod, source)),
    );
    if (tokens.length > 0) this.#renewAt(pod, Math.min(...tokens.map((one) => one.refreshAtMs)));
    return new Map(sources.map((source, i) => [source, tokens[i]?.text ?? '']));
  }

  /** Writes the pod's volumes again when a token of theirs is due. */
  #renewAt(pod: Pod, atMs: number): void {
    const uid = pod.metadata.uid ?? '';
    const held = this.#held.get(uid);
    if (held === undefined || (held.renewalAtMs ?? Number.POSITIVE_INFINITY) <= atMs) return;
    clearTimeout(held.renewal);
    held.renewalAtMs = atMs;
    const waitMs = Math.max(atMs - Date.now(), renewalMsMin);
    held.renewal = setTimeout(() => {
      delete held.renewalAtMs;
      this.#rewrite(uid, held);
    }, waitMs).unref();
  }

  #rewrite(uid: string, held: Held): void {
    held.turn = held.turn.then(async () => {
      if (this.#held.get(uid) !== held) return;
      for (const volume of (held.pod.spec?.volumes ?? []).filter(isPayloadVolume)) {
        // An object that went away leaves its last content, as with kubelet.
        const write = this.#write(held.pod, volume, this.#dir(held.pod, volume.name));
        await write.catch((error: unknown) => {
          this.#options.onProblem(uid, error);
          if (tokenSources(volume).length > 0) this.#renewAt(held.pod, Date.now());
        });
      }
    });
  }
}

/** What is in it must not reach the disk: a Secret, or a token. */
const isSecret = (volume: Volume): boolean =>
  tokenSources(volume).length > 0 ||
  payloadReferences(volume).some(({ kind }) => kind === 'Secret');
