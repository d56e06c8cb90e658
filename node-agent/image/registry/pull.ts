/**
 * Pulls an image: manifest, then configuration and layers side by side, each layer unpacked as soon as those below it are.
 * Only `keep` at the very end makes anything of it visible.
 */

import { chainIds, type Digest } from '../digest.ts';
import { imageConfig } from '../image-config.ts';
import type { StoredImage, StoredLayer } from '../image-table.ts';
import { ImageError, type LocalImage, type TransferOptions } from '../images.ts';
import { hasDigest, localImage } from '../lookup.ts';
import type * as oci from '../oci.ts';
import { normalizedTag, parseReference, type Reference } from '../reference.ts';
import { BlobFetch } from './blob-fetch.ts';
import { type Endpoint, pullEndpoints } from './endpoint.ts';
import { currentDigest, type FoundManifest, findManifest } from './manifest.ts';
import { imageError, RegistryProblem } from './problem.ts';
import type { Registry } from './registry.ts';
import { Repository } from './repository.ts';
import type { Settings } from './settings.ts';
import type { Shelf } from './shelf.ts';

const MAX_CONFIG_BYTES = 8 * 2 ** 20;
const MAX_LAYERS = 1000;

export interface Pull {
  readonly registry: Registry;
  readonly shelf: Shelf;
  readonly reference: Reference;
  readonly options: TransferOptions;
}

/** @throws ImageError whose message says what was tried at which registry, why it failed and what to do */
export async function pullImage(
  registry: Registry,
  shelf: Shelf,
  text: string,
  options: TransferOptions,
): Promise<LocalImage> {
  const reference = parseReference(text);
  const { repository, digest } = reference;
  const name = digest === undefined ? normalizedTag(reference) : `${repository}@${digest}`;
  try {
    return await pull({ registry, shelf, reference, options });
  } catch (error) {
    throw imageError(`pull ${name}`, error, options.signal);
  }
}

async function pull(pull: Pull): Promise<LocalImage> {
  const { registry, reference, shelf } = pull;
  const { digest } = reference;
  const present = digest === undefined ? undefined : imageWith(shelf, digest);
  if (present !== undefined) return retag(pull, present);
  const settings = await registry.settings();
  const problems: string[] = [];
  const repositories = await repositoriesOf(pull, settings);
  let failed: { readonly endpoint: Endpoint; readonly error: unknown } | undefined;
  for (const repository of repositories) {
    const { endpoint } = repository;
    if (failed?.endpoint === endpoint && !isAboutLogin(failed.error)) continue;
    try {
      return await pullFrom(pull, settings, [repository, ...without(repositories, repository)]);
    } catch (error) {
      if (!(error instanceof RegistryProblem || error instanceof ImageError)) throw error;
      failed = { endpoint, error };
      if (endpoint.isMirror) problems.push(error.message);
    }
  }
  throw withMirrors(failed?.error, problems);
}

/** Whether another login may see what this one does not. */
function isAboutLogin(error: unknown): boolean {
  return error instanceof RegistryProblem && [401, 403, 404].includes(error.status ?? 0);
}

/** Each way to the content, in the order of trial. */
async function repositoriesOf(
  { registry, reference, options }: Pull,
  settings: Settings,
): Promise<readonly Repository[]> {
  const repositories: Repository[] = [];
  for (const endpoint of await pullEndpoints(reference.repository, settings)) {
    for (const credentials of await registry.logins(endpoint, settings, options.credentials)) {
      const access = { credentials, actions: 'pull' } as const;
      repositories.push(new Repository(registry.parts, endpoint, access));
    }
  }
  return repositories;
}

/** Other endpoints may help when one fails in the middle; other logins of the same do not. */
function without(all: readonly Repository[], chosen: Repository): readonly Repository[] {
  return all.filter(({ endpoint }) => endpoint !== chosen.endpoint);
}

function withMirrors(error: unknown, problems: readonly string[]): unknown {
  if (problems.length === 0 || !(error instanceof RegistryProblem)) return error;
  const { kind, status, advice } = error;
  const message = `${error.message} (before that, mirrors failed: ${problems.join('; ')})`;
  return new RegistryProblem(kind, message, {
    ...(status === undefined ? {} : { status }),
    advice,
    cause: error,
  });
}

function imageWith(shelf: Shelf, digest: string): StoredImage | undefined {
  return shelf.images().find((image) => hasDigest(image, digest));
}

/** The content is here: it only gets the name. */
async function retag({ shelf, reference, options }: Pull, image: StoredImage): Promise<LocalImage> {
  for (const { digest } of image.layers) {
    options.onProgress?.({ layer: digest, status: 'present', bytes: 0, total: 0 });
  }
  const tags = tagsOf(reference);
  if (tags.every((tag) => image.tags.includes(tag))) return localImage(image);
  return shelf.keep({ ...image, tags });
}

function tagsOf(reference: Reference): readonly string[] {
  return reference.digest === undefined || reference.tag !== undefined
    ? [normalizedTag(reference)]
    : [];
}

async function pullFrom(
  pull: Pull,
  settings: Settings,
  repositories: readonly Repository[],
): Promise<LocalImage> {
  const { shelf, reference, options } = pull;
  const [first] = repositories as [Repository];
  const { signal } = options;
  const tag = reference.tag ?? 'latest';
  const here = reference.digest === undefined ? tagged(shelf, reference) : undefined;
  if (here !== undefined) {
    const current = await currentDigest(first, tag, signal);
    const same = current === undefined ? undefined : pulledAs(shelf, reference, current);
    if (same !== undefined) return retag(pull, same);
  }
  const found = await findManifest(first, reference.digest ?? tag, signal);
  const same = imageWith(shelf, found.digest);
  if (same !== undefined) return shelf.keep(renamed(same, reference, found));
  return fetchContent(pull, found, new BlobFetch(pull, settings, repositories));
}

function tagged(shelf: Shelf, reference: Reference): StoredImage | undefined {
  const tag = normalizedTag(reference);
  return shelf.images().find(({ tags }) => tags.includes(tag));
}

/** By repository, too: an image is known to be in a repository only when it came from there. */
function pulledAs(
  shelf: Shelf,
  { repository }: Reference,
  digest: Digest,
): StoredImage | undefined {
  const name = `${repository}@${digest}`;
  return shelf.images().find(({ repoDigests = [] }) => repoDigests.includes(name));
}

function renamed(
  image: StoredImage,
  reference: Reference,
  { digests }: FoundManifest,
): StoredImage {
  const repoDigests = digests.map((digest) => `${reference.repository}@${digest}`);
  return { ...image, tags: tagsOf(reference), repoDigests };
}

async function fetchContent(
  { shelf, reference }: Pull,
  found: FoundManifest,
  blobs: BlobFetch,
): Promise<LocalImage> {
  const { content } = shelf;
  const { manifest, digest } = found;
  checkSizes(manifest);
  const release = content.hold([
    digest,
    manifest.config.digest,
    ...manifest.layers.map((layer) => layer.digest),
  ]);
  let releaseLayers = () => {};
  try {
    const fetching = blobs.layers(manifest.layers);
    fetching.catch(() => undefined); // awaited below, unless the configuration fails first
    const config = await blobs.config(manifest.config);
    const diffIds = config.rootfs.diff_ids ?? [];
    mustMatch(manifest, diffIds, digest);
    const chain = chainIds(diffIds);
    releaseLayers = content.hold(chain);
    const layers: StoredLayer[] = [];
    for (const [i, layer] of manifest.layers.entries()) {
      const ids = { diffId: diffIds[i] as Digest, chainId: chain[i] as Digest };
      const sizeBytes = await blobs.unpacked(layer, ids);
      layers.push({ digest: layer.digest, ...ids, sizeBytes });
    }
    await fetching;
    await content.durability.begin();
    await content.blobs.put(found.bytes);
    await blobs.shelve([manifest.config, ...manifest.layers]);
    const { created } = config;
    return await shelf.keep({
      digest,
      id: manifest.config.digest,
      tags: tagsOf(reference),
      repoDigests: found.digests.map((each) => `${reference.repository}@${each}`),
      layers,
      ...(created ? { createdAt: created } : {}),
      config: imageConfig(config),
    });
  } finally {
    await blobs.stop();
    release();
    releaseLayers();
    content.durability.secureSoon();
  }
}

function checkSizes({ config, layers }: oci.Manifest): void {
  const sizes = [config, ...layers].map(({ size }) => size);
  if (
    sizes.every((size) => Number.isSafeInteger(size) && size >= 0) &&
    config.size <= MAX_CONFIG_BYTES &&
    layers.length <= MAX_LAYERS
  )
    return;
  throw new ImageError(
    'Registry',
    `its manifest cannot be right: ${layers.length} layers, sizes ${sizes.slice(0, 20).join(', ')}`,
  );
}

function mustMatch({ layers }: oci.Manifest, diffIds: readonly Digest[], digest: Digest): void {
  if (layers.length === diffIds.length) return;
  const message = `image ${digest} has ${layers.length} layers, but its configuration names ${diffIds.length}`;
  throw new ImageError('Registry', message);
}
