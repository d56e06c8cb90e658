/** Finds an image's manifest in a repository: by tag or digest, down through indexes to this machine's platform. */

import { type Algorithm, type Digest, digestOf, isDigest } from '../digest.ts';
import { ImageError } from '../images.ts';
import * as oci from '../oci.ts';
import { selectPlatform } from '../platform.ts';
import { readWhole } from './body.ts';
import { RegistryProblem } from './problem.ts';
import type { Repository } from './repository.ts';
import { withRetries } from './retry.ts';
import type { Answer } from './transport.ts';

export interface FoundManifest {
  readonly bytes: Buffer;
  readonly digest: Digest;
  readonly manifest: oci.Manifest;
  /** Of the manifest and of the indexes it was found through. */
  readonly digests: readonly Digest[];
}

/** Everything that can be in a repository: a registry that finds its type missing here converts or refuses. */
const ACCEPT = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  '*/*',
].join(', ');

const MAX_BYTES = 8 * 2 ** 20;
const MAX_DEPTH = 4;

/** The digest a tag has now; undefined when the registry does not tell it in a HEAD. @throws RegistryProblem */
export async function currentDigest(
  repository: Repository,
  tag: string,
  signal: AbortSignal | undefined,
): Promise<Digest | undefined> {
  const { status, headers, body } = await withRetries(repository.parts.retry, signal, () =>
    repository.ask({
      method: 'HEAD',
      to: `manifests/${tag}`,
      headers: { accept: ACCEPT },
      good: [200, 404, 405],
      signal,
    }),
  );
  body.resume();
  const digest = headers['docker-content-digest'];
  return status === 200 && typeof digest === 'string' && isDigest(digest) ? digest : undefined;
}

/**
 * `reference`: a tag or a digest.
 * @throws RegistryProblem, ImageError when there is no image for this machine or its format is not known
 */
export async function findManifest(
  repository: Repository,
  reference: string,
  signal: AbortSignal | undefined,
): Promise<FoundManifest> {
  const digests: Digest[] = [];
  let wanted = reference;
  for (let depth = 0; depth <= MAX_DEPTH; depth++) {
    const fetched = await fetchManifest(repository, wanted, signal);
    const { bytes, digest, type } = fetched;
    digests.push(digest);
    if (!oci.isIndexType(type)) {
      const manifest = decodeManifest(bytes, `manifest ${digest}`);
      return { bytes, digest, manifest, digests };
    }
    const index = oci.decodeJson(oci.Index, bytes, `index ${digest}`);
    const what = `index ${digest} of ${repository.endpoint.name}/${repository.endpoint.path}`;
    const [chosen] = selectPlatform(index.manifests, 'first', what);
    if (chosen === undefined) throw new ImageError('NotFound', `${what} holds no image at all`);
    wanted = chosen.digest;
  }
  throw new RegistryProblem('refused', `its indexes are nested more than ${MAX_DEPTH} deep`);
}

interface Fetched {
  readonly bytes: Buffer;
  readonly digest: Digest;
  readonly type: string;
}

/**
 * One document as it is, its digest checked; `reference`: a tag or a digest.
 * @throws RegistryProblem
 */
export function fetchManifest(
  repository: Repository,
  reference: string,
  signal: AbortSignal | undefined,
): Promise<Fetched> {
  const to = `manifests/${reference}`;
  return withRetries(repository.parts.retry, signal, async () => {
    const headers = { accept: ACCEPT };
    const answer = await repository.ask({ method: 'GET', to, headers, good: [200], signal });
    const where = `GET ${answer.url.origin}${answer.url.pathname}`;
    const bytes = await manifestBytes(where, answer);
    const told = answer.headers['docker-content-digest'];
    const expected = isDigest(reference) ? reference : String(told);
    const [, algorithm] = /^(sha256|sha512):/.exec(expected) ?? [];
    const digest = digestOf(bytes, algorithm as Algorithm | undefined);
    if (algorithm !== undefined && expected !== digest) {
      const why = `the manifest has the digest ${digest}, not ${expected}`;
      throw new RegistryProblem('content', `${where}: ${why}; the registry or a proxy damages it`);
    }
    return { bytes, digest, type: manifestType(where, bytes, answer) };
  });
}

async function manifestBytes(where: string, { body }: Answer): Promise<Buffer> {
  try {
    return await readWhole(body, MAX_BYTES);
  } catch (cause) {
    const kind = cause instanceof RangeError ? 'refused' : 'temporary';
    throw new RegistryProblem(kind, `${where}: ${(cause as Error).message}`, { cause });
  }
}

/** What the document itself says before what its header says: proxies and simple servers lose the latter. */
function manifestType(where: string, bytes: Buffer, { headers }: Answer): string {
  const header = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  const fields = jsonFields(bytes);
  if (fields === undefined) {
    const isPage = header === 'text/html';
    const why = isPage
      ? 'a web page: this is no registry, or a proxy is in the way'
      : 'no manifest (not JSON)';
    throw new RegistryProblem('refused', `${where}: answered ${why}`);
  }
  if (fields['schemaVersion'] === 1 || header.includes('docker.distribution.manifest.v1')) {
    const why = 'the image has the format "Docker schema 1", given up by all registries and tools';
    const advice = 'push it anew with a current tool (docker, skopeo)';
    throw new RegistryProblem('refused', `${where}: ${why}`, { advice });
  }
  const why = oci.ambiguity(fields);
  if (why !== undefined) throw new RegistryProblem('refused', `${where}: ${why}`);
  const isIndex = Array.isArray(fields['manifests']);
  return isIndex ? INDEX_TYPE : String(fields['mediaType'] ?? header);
}

const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';

function jsonFields(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function decodeManifest(bytes: Buffer, what: string): oci.Manifest {
  const manifest = oci.decodeJson(oci.Manifest, bytes, what);
  const { mediaType = '' } = manifest.config;
  if (
    /^(|application\/(vnd\.(oci|docker\.container)\.image\.(config\.)?v1\+json|octet-stream))$/.test(
      mediaType,
    )
  )
    return manifest;
  const artifact = manifest.artifactType ?? mediaType;
  throw new ImageError(
    'Registry',
    `${what} is no container image, but an artifact of the type ${artifact}`,
  );
}
