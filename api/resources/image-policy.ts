/** Which images a cluster takes: the kind ImagePolicy, and what the API server and the nodes alike read from it. */
import { fullName, readImageName } from './image-name.ts';
import type { ObjectMeta } from './meta.ts';

/** Whose signature counts, by a key or by an identity that a certificate names. */
export interface Authority {
  readonly name: string;
  /** A public key in PEM: ECDSA, RSA or Ed25519. */
  readonly key?: string;
  readonly keyless?: Keyless;
}

export interface Keyless {
  /** One of them must be the certificate's. */
  readonly identities: readonly { readonly issuer: string; readonly subject: string }[];
  readonly trustRoot: TrustRootSpec;
}

/** What is trusted beside the policy's author; each in PEM. */
export interface TrustRootSpec {
  /** The authority that gives certificates to identities, and what lies between it and them. */
  readonly certificates: string;
  /** Keys of transparency logs (Rekor). */
  readonly logKeys?: string;
  /** Keys of certificate transparency logs; absent: certificates need not be in one. */
  readonly certificateLogKeys?: string;
}

export interface ImagePolicySpec {
  /** Patterns of repositories: `registry.example/team/**`. */
  readonly images: readonly string[];
  /** Such images are not taken at all. */
  readonly reject?: boolean;
  /** They must be named by their digest. */
  readonly requireDigest?: boolean;
  /** Absent: nobody need have signed. */
  readonly signedBy?: readonly Authority[];
}

/** Every policy whose patterns fit must be met; of its authorities one is enough. */
export interface ImagePolicy {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  readonly spec: ImagePolicySpec;
}

/**
 * Whether the text is as the pattern says: `**` stands for anything, `*` for anything without `apart` in it. The work is
 * bounded by the product of both lengths, whatever the pattern.
 */
export function fitsPattern(pattern: string, text: string, apart = ''): boolean {
  /** Where in the text the pattern so far may end. */
  let ends = new Set([0]);
  for (const part of pattern.match(/\*\*|\*|[^*]/gu) ?? []) {
    const next = new Set<number>();
    for (const at of ends) {
      if (!part.startsWith('*')) {
        if (text.startsWith(part, at)) next.add(at + part.length);
        continue;
      }
      for (let end = at; end <= text.length && !next.has(end); end++) {
        next.add(end);
        if (part === '*' && apart !== '' && text.startsWith(apart, end)) break;
      }
    }
    ends = next;
  }
  return ends.has(text.length);
}

/** Repositories of the nodes' own images: no general pattern means them. */
const LOCAL = 'bayplan.local/';

/**
 * Whether a repository (`docker.io/library/busybox`, in full) is one that the policy speaks of. Patterns without a
 * domain are Docker Hub's, as names are. The nodes' own images (`bayplan.local/…`) must be named as such.
 */
export function concerns({ images }: ImagePolicySpec, repository: string): boolean {
  return images.some((pattern) => {
    if (repository.startsWith(LOCAL) && !pattern.startsWith(LOCAL)) return false;
    return fitsPattern(fullName(pattern), repository, '/');
  });
}

/**
 * Why a policy refuses an image before anybody has looked at it; undefined when only its signatures can tell, or nothing
 * stands against it. `given` is how the document names it.
 */
export function refusalByName(policies: readonly ImagePolicy[], given: string): string | undefined {
  const { repository, digest } = readImageName(given);
  for (const { metadata, spec } of policies) {
    if (!concerns(spec, repository)) continue;
    const policy = `the ImagePolicy "${metadata.name}"`;
    if (spec.reject === true) return `${policy} refuses images of ${repository}`;
    if (spec.requireDigest === true && digest === undefined) {
      return `${policy} wants images of ${repository} named by their digest: ${repository}@sha256:…`;
    }
  }
  return undefined;
}
