/**
 * Tokens of service accounts: JSON Web Tokens with Kubernetes' claims (`pkg/serviceaccount/claims.go`), good while
 * they last and while the account and the object they are bound to exist.
 */
import { randomUUID } from 'node:crypto';
import { objectOr, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { WatchCache } from '../storage/watch-cache.ts';
import { signToken, verifyToken } from './json-web-token.ts';
import type { TokenKeys } from './token-keys.ts';
import { accountGroups, accountUserName, credentialId, everybody, type User } from './user.ts';

export const issuer = 'https://kubernetes.default.svc.cluster.local';

export interface Named {
  readonly name: string;
  readonly uid: string;
}

export interface TokenOrder {
  readonly namespace: string;
  readonly account: Named;
  readonly audiences: readonly string[];
  /** The life the client is told. */
  readonly seconds: number;
  /**
   * How long the token really works, if longer: programs that read their token but once (kube-apiserver's
   * `--service-account-extend-token-expiration`).
   */
  readonly graceSeconds?: number;
  readonly pod?: Named;
  readonly secret?: Named;
  /** The node by itself, or the pod's node. */
  readonly node?: Named;
}

export interface Issued {
  readonly token: string;
  readonly expires: Date;
}

/** The token does not count; the message says why. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused';
}

export interface Verified {
  readonly user: User;
  /** Those of the token that were asked for. */
  readonly audiences: readonly string[];
}

/** What a token says once its signature is known to be good. */
interface Claims {
  readonly audiences: readonly string[];
  readonly expires: number;
  readonly notBefore: number;
  readonly namespace: string;
  readonly account: Named;
  readonly bound: readonly { readonly key: string; readonly uid: string; readonly what: string }[];
  readonly user: User;
}

/** Verifying a signature takes some 100 µs, finding a token known to be good less than one. */
const knownMax = 4096;
/** Kubernetes goes on to accept tokens of an object that is being deleted for a minute. */
const leewayMs = 60_000;

export class ServiceAccountTokens {
  readonly #keys: TokenKeys;
  readonly #cache: WatchCache;
  readonly #now: () => Date;
  readonly #known = new Map<string, Claims>();

  constructor(keys: TokenKeys, cache: WatchCache, now: () => Date) {
    this.#keys = keys;
    this.#cache = cache;
    this.#now = now;
  }

  /** A signed token; nothing is stored. */
  issue(order: TokenOrder): Issued {
    const { namespace, account, audiences, seconds, graceSeconds = seconds } = order;
    const { pod, secret, node } = order;
    const now = Math.floor(this.#now().getTime() / 1000);
    const claims = {
      aud: audiences,
      exp: now + graceSeconds,
      iat: now,
      iss: issuer,
      jti: randomUUID(),
      'kubernetes.io': {
        namespace,
        ...(node === undefined ? {} : { node }),
        ...(pod === undefined ? {} : { pod }),
        ...(secret === undefined ? {} : { secret }),
        serviceaccount: account,
        ...(graceSeconds > seconds ? { warnafter: now + seconds } : {}),
      },
      nbf: now,
      sub: accountUserName(namespace, account.name),
    };
    return {
      token: signToken(claims, this.#keys.signing),
      expires: new Date((now + seconds) * 1000),
    };
  }

  /** Whose token it is, for one of the audiences. Throws TokenRefused. */
  verify(token: string, audiences: readonly string[] = [issuer]): Verified {
    const claims = this.#known.get(token) ?? this.#read(token);
    const now = this.#now().getTime();
    if (now > claims.expires * 1000) throw this.#refuse(token, 'the token has expired');
    if (now < claims.notBefore * 1000 - leewayMs) {
      throw new TokenRefused('the token is not valid yet');
    }
    const common = claims.audiences.filter((audience) => audiences.includes(audience));
    if (common.length === 0) throw new TokenRefused('the token is meant for another audience');
    for (const { key, uid, what } of claims.bound) this.#checkBound(key, uid, what, now);
    return { user: claims.user, audiences: common };
  }

  #refuse(token: string, why: string): TokenRefused {
    this.#known.delete(token);
    return new TokenRefused(why);
  }

  #read(token: string): Claims {
    const payload = verifyToken(token, this.#keys.verifying);
    if (payload === undefined || payload['iss'] !== issuer) {
      throw new TokenRefused('the token was not issued by this cluster');
    }
    const claims = claimsOf(payload);
    if (this.#known.size >= knownMax) this.#known.clear();
    this.#known.set(token, claims);
    return claims;
  }

  #checkBound(key: string, uid: string, what: string, now: number): void {
    const found = this.#cache.get(key)?.memo(lifeOf, lifeOf);
    if (found === undefined) throw new TokenRefused(`the ${what} of the token does not exist`);
    if (uid !== '' && found.uid !== uid) {
      throw new TokenRefused(`the ${what} of the token is another one now`);
    }
    if (found.deletedMs !== undefined && found.deletedMs < now - leewayMs) {
      throw new TokenRefused(`the ${what} of the token is being deleted`);
    }
  }
}

/** What a check needs of an object; kept with its cache entry. */
function lifeOf({ metadata }: KubeObject): { uid: string; deletedMs?: number } {
  const { uid = '', deletionTimestamp } = metadata;
  return deletionTimestamp === undefined
    ? { uid }
    : { uid, deletedMs: Date.parse(deletionTimestamp) };
}

const named = (value: unknown): Named | undefined => {
  const { name, uid } = objectOr(value);
  return name === undefined ? undefined : { name: stringOr(name), uid: stringOr(uid) };
};

function claimsOf(payload: Record<string, unknown>): Claims {
  const own = objectOr(payload['kubernetes.io']);
  const namespace = stringOr(own['namespace']);
  const account = named(own['serviceaccount']);
  if (account === undefined || payload['sub'] !== accountUserName(namespace, account.name)) {
    throw new TokenRefused('the token names no service account');
  }
  const [pod, secret, node] = [named(own['pod']), named(own['secret']), named(own['node'])];
  const { aud } = payload;
  const bound = [
    { key: `/registry/serviceaccounts/${namespace}/${account.name}`, ...account, what: 'account' },
    ...(pod === undefined
      ? []
      : [{ key: `/registry/pods/${namespace}/${pod.name}`, ...pod, what: 'pod' }]),
    ...(secret === undefined
      ? []
      : [{ key: `/registry/secrets/${namespace}/${secret.name}`, ...secret, what: 'secret' }]),
    // A pod goes with its node; only a token that names the node alone depends on it.
    ...(node === undefined || pod !== undefined
      ? []
      : [{ key: `/registry/minions/${node.name}`, ...node, what: 'node' }]),
  ];
  return {
    audiences: (Array.isArray(aud) ? aud : [aud]).map(stringOr),
    expires: Number(payload['exp']),
    notBefore: Number(payload['nbf'] ?? 0),
    namespace,
    account,
    bound,
    user: accountUser({ namespace, account, pod, node, id: stringOr(payload['jti']) }),
  };
}

interface Bearer {
  readonly namespace: string;
  readonly account: Named;
  readonly pod: Named | undefined;
  readonly node: Named | undefined;
  readonly id: string;
}

function accountUser({ namespace, account, pod, node, id }: Bearer): User {
  const prefix = 'authentication.kubernetes.io';
  const of = (what: string, value: Named | undefined) =>
    value === undefined
      ? {}
      : {
          [`${prefix}/${what}-name`]: [value.name],
          ...(value.uid === '' ? {} : { [`${prefix}/${what}-uid`]: [value.uid] }),
        };
  return {
    name: accountUserName(namespace, account.name),
    uid: account.uid,
    groups: [...accountGroups(namespace), everybody],
    extra: {
      [credentialId]: [`JTI=${id}`],
      ...of('node', node),
      ...of('pod', pod),
    },
  };
}
