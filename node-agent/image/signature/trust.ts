/** What the cluster's ImagePolicies demand of an image, and whether it is met. */
import { type Authority, concerns, type ImagePolicy } from '#api/resources/image-policy.ts';
import { type Digest, digestOf } from '../digest.ts';
import { ImageError } from '../images.ts';
import type { Repository } from '../registry/repository.ts';
import { signaturesOf } from './collect.ts';
import type { Evidence } from './evidence.ts';
import { type Judge, judgeOf } from './judge.ts';
import type { TrustRecord } from './trust-record.ts';

/** One policy's signatures. */
interface Demand {
  readonly policy: string;
  /** Of the policy's content: a changed policy is another. */
  readonly hash: string;
  /** Read when a signature is to be judged. */
  readonly judges: () => readonly Judge[];
}

/** The demands on the images of one repository. */
export class Trust {
  readonly #demands: readonly Demand[];
  readonly #record: TrustRecord;
  readonly #repository: string;

  constructor(policies: readonly ImagePolicy[], repository: string, record: TrustRecord) {
    this.#repository = repository;
    this.#record = record;
    this.#demands = policies.flatMap(({ metadata, spec }) => {
      const { signedBy } = spec;
      if (signedBy === undefined || !concerns(spec, repository)) return [];
      const hash = digestOf(JSON.stringify(spec));
      return [{ policy: metadata.name, hash, judges: () => judgesOf(metadata.name, signedBy) }];
    });
  }

  /** Whether nothing is demanded, or it was found to be met before. */
  knows(digest: string): boolean {
    return this.#demands.every(({ hash }) => this.#record.has(hash, digest));
  }

  /**
   * Looks for the signatures and remembers that they are there. `digests`: of the image, and of the indexes that led to it:
   * a signature of any of them covers it.
   * @throws ImageError `Untrusted` with each signature's fault; RegistryProblem when the registries cannot be asked
   */
  async check(
    repositories: readonly Repository[],
    digests: readonly Digest[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    for (const demand of this.#demands) {
      if (digests.every((digest) => this.#record.has(demand.hash, digest))) continue;
      await this.#meet(demand, repositories, digests, signal);
      await this.#record.add(demand.hash, digests);
    }
  }

  async #meet(
    { policy, judges }: Demand,
    repositories: readonly Repository[],
    digests: readonly Digest[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const all = judges();
    const faults: string[] = [];
    for (const repository of repositories) {
      for (const digest of digests) {
        for await (const found of signaturesOf(repository, digest, signal)) {
          const fault = 'unreadable' in found ? found.unreadable : faultOf(found, all, digests);
          if (fault === undefined) return;
          faults.push(`${found.where}: ${fault}`);
        }
      }
    }
    const wanted = all.map(({ name }) => name).join(' or ');
    const why = faults.length === 0 ? 'it has no signature' : [...new Set(faults)].join('; ');
    throw new ImageError(
      'Untrusted',
      `the ImagePolicy "${policy}" wants ${this.#repository} signed by ${wanted}: ${why.slice(0, 2000)}`,
    );
  }
}

function judgesOf(policy: string, signedBy: readonly Authority[]): readonly Judge[] {
  try {
    return signedBy.map(judgeOf);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ImageError('Untrusted', `the ImagePolicy "${policy}" cannot be used: ${why}`, {
      cause,
    });
  }
}

/** undefined: one of the authorities stands for it. */
function faultOf(
  evidence: Evidence,
  judges: readonly Judge[],
  digests: readonly Digest[],
): string | undefined {
  const faults: string[] = [];
  for (const { name, refuse } of judges) {
    const fault = attempt(() => refuse(evidence, digests));
    if (fault === undefined) return undefined;
    faults.push(judges.length === 1 ? fault : `${name}: ${fault}`);
  }
  return faults.join(', ') || 'the policy names nobody';
}

function attempt(work: () => string | undefined): string | undefined {
  try {
    return work();
  } catch (error) {
    return `it cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}
