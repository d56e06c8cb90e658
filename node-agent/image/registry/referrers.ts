/** What was attached to an image: signatures, attestations, bills of materials (distribution-spec, "Listing Referrers"). */

import { algorithmOf, type Digest, hexOf } from '../digest.ts';
import * as oci from '../oci.ts';
import { readWhole } from './body.ts';
import { RegistryProblem } from './problem.ts';
import type { Repository } from './repository.ts';
import { withRetries } from './retry.ts';
import type { Answer } from './transport.ts';

const INDEX = 'application/vnd.oci.image.index.v1+json';
const MAX_BYTES = 8 * 2 ** 20;
const MAX_PAGES = 100;

export interface ReferrersOptions {
  readonly artifactType?: string;
  readonly signal?: AbortSignal;
}

/**
 * Descriptors of the manifests whose subject is `digest`, of all artifact types or the one asked for. A registry without the
 * API keeps them under a tag, `<algorithm>-<the first 64 digits>`; none at all is an empty list.
 * @throws RegistryProblem, ImageError when the list cannot be read
 */
export async function referrers(
  repository: Repository,
  digest: Digest,
  { artifactType, signal }: ReferrersOptions = {},
): Promise<readonly oci.Descriptor[]> {
  const query = artifactType === undefined ? '' : `?${new URLSearchParams({ artifactType })}`;
  const first = await page(repository, `referrers/${digest}${query}`, signal);
  const found =
    first === undefined
      ? ((
          await page(
            repository,
            `manifests/${algorithmOf(digest)}-${hexOf(digest).slice(0, 64)}`,
            signal,
          )
        )?.descriptors ?? [])
      : await allPages(repository, first, signal);
  // A registry may leave the filter to us; it says so by not saying otherwise.
  return artifactType === undefined
    ? found
    : found.filter((descriptor) => descriptor.artifactType === artifactType);
}

interface Page {
  readonly descriptors: readonly oci.Descriptor[];
  readonly next: URL | undefined;
}

async function allPages(
  repository: Repository,
  first: Page,
  signal: AbortSignal | undefined,
): Promise<readonly oci.Descriptor[]> {
  const found = [...first.descriptors];
  let { next } = first;
  for (let pages = 1; next !== undefined; pages++) {
    if (pages >= MAX_PAGES) {
      throw new RegistryProblem('refused', `${next.origin}${next.pathname}: the list has no end`);
    }
    const more: Page | undefined = await page(repository, next, signal);
    found.push(...(more?.descriptors ?? []));
    next = more?.next;
  }
  return found;
}

/** undefined: there is no such list. */
function page(
  repository: Repository,
  to: string | URL,
  signal: AbortSignal | undefined,
): Promise<Page | undefined> {
  return withRetries(repository.parts.retry, signal, async () => {
    const headers = { accept: INDEX };
    const answer = await repository.ask({ method: 'GET', to, headers, good: [200, 404], signal });
    if (answer.status === 404) {
      answer.body.resume();
      return undefined;
    }
    const bytes = await pageBytes(answer);
    const { manifests } = oci.decodeJson(oci.Index, bytes, `referrers at ${answer.url.pathname}`);
    return { descriptors: manifests, next: nextPage(answer) };
  });
}

async function pageBytes({ body, url }: Answer): Promise<Buffer> {
  try {
    return await readWhole(body, MAX_BYTES);
  } catch (cause) {
    const kind = cause instanceof RangeError ? 'refused' : 'temporary';
    const message = `GET ${url.origin}${url.pathname}: ${(cause as Error).message}`;
    throw new RegistryProblem(kind, message, { cause });
  }
}

/** `Link: </v2/…?last=…>; rel="next"` (RFC 8288). */
function nextPage({ headers, url }: Answer): URL | undefined {
  const link = [headers.link ?? []].flat().join(', ');
  const target = /<([^>]*)>\s*;[^,]*\brel="?next"?/.exec(link)?.[1];
  return target !== undefined && URL.canParse(target, url.href) ? new URL(target, url) : undefined;
}
