/** Pushes an image: its blobs side by side, then the manifest, which alone makes it visible. */

import { algorithmOf, type Digest, digestOf, isDigest } from '../digest.ts';
import type { StoredImage } from '../image-table.ts';
import { ImageError, type TransferOptions, type TransferProgress } from '../images.ts';
import { normalizedTag, parseReference, type Reference } from '../reference.ts';
import { registryEndpoint, splitRepository } from './endpoint.ts';
import { type Portable, portable } from './portable.ts';
import { imageError, RegistryProblem } from './problem.ts';
import type { Registry } from './registry.ts';
import { Repository } from './repository.ts';
import { withRetries } from './retry.ts';
import type { Shelf } from './shelf.ts';
import { type BlobFile, uploadBlob } from './upload.ts';

const AT_ONCE = 3;

export interface PushRequest {
  readonly image: StoredImage;
  /** The reference as it was written. */
  readonly text: string;
  readonly options: TransferOptions;
}

/**
 * Resolves with the digest the manifest has there.
 * @throws ImageError whose message says what was tried at which registry, why it failed and what to do
 */
export async function pushImage(
  registry: Registry,
  shelf: Shelf,
  { image, text, options }: PushRequest,
): Promise<{ digest: Digest }> {
  const reference = targetOf(image, text);
  const release = await shelf.hold([
    image.digest,
    image.id,
    ...image.layers.map(({ digest }) => digest),
  ]);
  try {
    const sent = await portable(shelf, image);
    try {
      const configuration = image.id;
      const digest = await push({ registry, shelf, sent, configuration, reference, options });
      const repoDigests = [`${reference.repository}@${digest}`];
      await shelf.rename(image.digest, { tags: [], repoDigests });
      return { digest };
    } finally {
      await sent.dispose();
    }
  } catch (error) {
    throw imageError(`push ${text}`, error, options.signal);
  } finally {
    release();
  }
}

/** Where it goes is what it is called: an ID or a short name of something else says not where to. */
function targetOf(image: StoredImage, text: string): Reference {
  const isId = isDigest(text) || /^(?:[a-f0-9]{64}){1,2}$/.test(text);
  const reference = isId ? undefined : parseReference(text);
  const isNamed =
    reference?.digest === undefined
      ? reference !== undefined && image.tags.includes(normalizedTag(reference))
      : reference.digest === image.digest;
  if (reference !== undefined && isNamed) return reference;
  const name = reference === undefined ? 'REGISTRY/NAME:TAG' : normalizedTag(reference);
  const from = image.tags[0] ?? image.id;
  const advice = `name it for its registry first: bay tag ${from} ${name}`;
  throw new ImageError('NotFound', `push ${text}: no image here has that name; ${advice}`);
}

interface Push {
  readonly registry: Registry;
  readonly shelf: Shelf;
  readonly sent: Portable;
  readonly configuration: Digest;
  readonly reference: Reference;
  readonly options: TransferOptions;
}

async function push(push: Push): Promise<Digest> {
  const { registry, reference, options } = push;
  const settings = await registry.settings();
  const endpoint = await registryEndpoint(reference.repository, settings);
  const logins = await registry.logins(endpoint, settings, options.credentials);
  for (const [i, credentials] of logins.entries()) {
    const access = { credentials, actions: 'pull,push' } as const;
    try {
      return await pushTo(push, new Repository(registry.parts, endpoint, access));
    } catch (error) {
      const isAboutLogin =
        error instanceof RegistryProblem && [401, 403].includes(error.status ?? 0);
      if (!isAboutLogin || i === logins.length - 1) throw error;
    }
  }
  throw new RegistryProblem('refused', `there is no login to try for ${endpoint.name}`);
}

async function pushTo(push: Push, repository: Repository): Promise<Digest> {
  const { sent, options } = push;
  const stopped = new AbortController();
  const { signal: given } = options;
  const signal = given === undefined ? stopped.signal : AbortSignal.any([given, stopped.signal]);
  const tell = ({ digest, size }: BlobFile, status: TransferProgress['status'], bytes: number) => {
    // The configuration is no layer.
    if (digest !== push.configuration)
      options.onProgress?.({ layer: digest, status, bytes, total: size });
  };
  for (const blob of sent.blobs) tell(blob, 'waiting', 0);
  const waiting = new Map(sent.blobs.map((blob) => [blob.digest, blob])).values();
  const lane = async () => {
    for (const blob of waiting) {
      const mountFrom = siblings(push, blob.digest);
      for (const path of mountFrom) repository.alsoPullFrom(path);
      const onBytes = (bytes: number) => tell(blob, 'uploading', bytes);
      const done = await uploadBlob({ repository, blob, mountFrom, signal, onBytes });
      tell(blob, done === 'sent' ? 'done' : 'present', blob.size);
    }
  };
  const lanes = Array.from({ length: AT_ONCE }, lane);
  try {
    await Promise.all(lanes);
  } catch (error) {
    stopped.abort(error);
    await Promise.allSettled(lanes);
    throw error;
  }
  return putManifest(push, repository, signal);
}

/** Repositories of the same registry that the blob is known to be in: where images that have it came from or went to. */
function siblings({ shelf, reference }: Push, digest: Digest): readonly string[] {
  const { domain, path } = splitRepository(reference.repository);
  const found = new Set<string>();
  for (const { layers, id, repoDigests = [] } of shelf.images()) {
    if (id !== digest && !layers.some((layer) => layer.digest === digest)) continue;
    for (const name of repoDigests) {
      const other = splitRepository(name.slice(0, name.indexOf('@')));
      if (other.domain === domain && other.path !== path) found.add(other.path);
    }
  }
  return [...found].slice(0, 1);
}

/** Resolves with what the registry calls it: most know SHA-256 alone. */
async function putManifest(
  { sent, reference }: Push,
  repository: Repository,
  signal: AbortSignal,
): Promise<Digest> {
  const { manifest, mediaType, digest } = sent;
  const to = `manifests/${reference.digest ?? reference.tag ?? 'latest'}`;
  const answer = await withRetries(repository.parts.retry, signal, () =>
    repository.ask({
      method: 'PUT',
      to,
      headers: { 'content-type': mediaType, 'content-length': String(manifest.length) },
      body: () => manifest,
      good: [200, 201, 202],
      signal,
    }),
  );
  answer.body.resume();
  const told = String(answer.headers['docker-content-digest'] ?? digest);
  if (isDigest(told) && told === digestOf(manifest, algorithmOf(told))) return told;
  const message = `PUT ${to}: the registry keeps the manifest as ${told}, not as ${digest}`;
  throw new RegistryProblem('content', message);
}
