/**
 * Tokens of service accounts for the pods of the node: asked for with each pod's first need, kept in memory, asked for
 * anew when most of their life is over.
 */
import type { Collection } from '#api/client/collection.ts';
import { objectOr } from '#api/resources/json.ts';
import type { Pod, ServiceAccount, Volume } from '#api/resources/types.ts';
import { VolumeError } from './volume-error.ts';

/** A `serviceAccountToken` source of a projected volume. */
export interface TokenSource {
  readonly path: string;
  readonly audience?: string;
  readonly expirationSeconds?: number;
}

export interface PodToken {
  readonly text: string;
  /** Milliseconds since the epoch: from then on a new one is wanted. */
  readonly refreshAtMs: number;
  readonly expiresAtMs: number;
}

const standardSeconds = 3600;
/** kubelet's: at 80 % of its life, and at least daily. */
const freshShare = 0.8;
const freshMsMax = 24 * 60 * 60 * 1000;

/** The tokens a volume shows. */
export function tokenSources(volume: Volume): readonly TokenSource[] {
  return (volume.projected?.sources ?? []).flatMap(({ serviceAccountToken }) =>
    serviceAccountToken === undefined ? [] : [serviceAccountToken],
  );
}

const nameOf = ({ audience = '', expirationSeconds = standardSeconds }: TokenSource): string =>
  `${expirationSeconds} ${audience}`;

export class PodTokens {
  readonly #accounts: Collection<ServiceAccount>;
  readonly #now: () => number;
  readonly #held = new Map<string, Map<string, Promise<PodToken>>>();

  constructor(accounts: Collection<ServiceAccount>, now: () => number = Date.now) {
    this.#accounts = accounts;
    this.#now = now;
  }

  /**
   * A token with most of its life before it. If no new one can be had, the old one is given for as long as it lasts.
   * @throws VolumeError when the API gives none
   */
  async token(pod: Pod, source: TokenSource): Promise<PodToken> {
    const uid = pod.metadata.uid ?? '';
    const ofPod = this.#held.get(uid) ?? new Map<string, Promise<PodToken>>();
    this.#held.set(uid, ofPod);
    const name = nameOf(source);
    const held = await ofPod.get(name)?.catch(() => undefined);
    if (held !== undefined && held.refreshAtMs > this.#now()) return held;
    const asked = this.#request(pod, source).catch((error: unknown) => {
      if (held !== undefined && held.expiresAtMs > this.#now()) return held;
      throw new VolumeError(`no token for the pod: ${(error as Error).message}`, { cause: error });
    });
    ofPod.set(name, asked);
    return asked;
  }

  /** The pod is gone; its tokens went with it. */
  forget(uid: string): void {
    this.#held.delete(uid);
  }

  async #request(pod: Pod, source: TokenSource): Promise<PodToken> {
    const { name, namespace = '', uid = '' } = pod.metadata;
    const { audience, expirationSeconds = standardSeconds } = source;
    const asked = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        audiences: audience === undefined || audience === '' ? [] : [audience],
        expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      },
    };
    const account = { namespace, name: pod.spec?.serviceAccountName ?? 'default' };
    const began = this.#now();
    const answer = await this.#accounts.createSubresource(account, 'token', asked);
    const status = objectOr(objectOr(answer)['status']);
    const expiresAtMs = Date.parse(String(status['expirationTimestamp']));
    const refreshAtMs = began + Math.min((expiresAtMs - began) * freshShare, freshMsMax);
    return { text: String(status['token']), refreshAtMs, expiresAtMs };
  }
}
