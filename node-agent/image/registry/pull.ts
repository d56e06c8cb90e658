/** Pulls an image: from which endpoint, with which login, and whether what is here is current already. */

import type { Digest } from '../digest.ts';
import type { StoredImage } from '../image-table.ts';
import { ImageError, type LocalImage, type TransferOptions } from '../images.ts';
import { hasDigest, localImage } from '../lookup.ts';
import { normalizedTag, parseReference, type Reference } from '../reference.ts';
import type { Trust } from '../signature/trust.ts';
import { BlobFetch } from './blob-fetch.ts';
import { type Endpoint, pullEndpoints } from './endpoint.ts';
import { fetchImage } from './fetch-image.ts';
import { currentDigest, findManifest } from './manifest.ts';
import { imageError, RegistryProblem } from './problem.ts';
import type { Registry } from './registry.ts';
import { Repository } from './repository.ts';
import type { Settings } from './settings.ts';
import type { Names, Shelf } from './shelf.ts';

export interface Pull {
  readonly registry: Registry;
  readonly shelf: Shelf;
  readonly reference: Reference;
  readonly options: TransferOptions;
  /** What the cluster wants of the image. */
  readonly trust: Trust;
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
    const trust = await registry.trust.of(name);
    const given = await fromPeers({ registry, shelf, reference, options, trust });
    if (given !== undefined) return given;
    mustBeElsewhere(name);
    return await pull({ registry, shelf, reference, options, trust });
  } catch (error) {
    throw imageError(`pull ${name}`, error, options.signal);
  }
}

/** Names of this domain are for images made on the nodes: nobody is asked for them, least of all a stranger's server. */
function mustBeElsewhere(name: string): void {
  if (!name.startsWith('bayplan.local/')) return;
  const message = `pull ${name}: bayplan.local is no registry; load the image: bay image load FILE`;
  throw new ImageError('NotFound', message);
}

/**
 * An image of another node, when it is here by nobody's registry or wanted by its digest. Signatures are a registry's to show:
 * an image that needs them comes from a peer only after one was found to have them.
 */
async function fromPeers(pull: Pull): Promise<LocalImage | undefined> {
  const { registry, shelf, reference, options, trust } = pull;
  const { digest } = reference;
  const isHere = digest === undefined ? tagged(shelf, reference) : imageWith(shelf, digest);
  if (registry.peers === undefined || isHere !== undefined) return undefined;
  const image = await registry.peers.find(reference, options.signal);
  if (image === undefined || !trust.knows(image.found.digest)) return undefined;
  const names = namesOf(reference, digest === undefined ? [] : image.found.digests);
  const ours = image.isManifestOurs ? ({ isManifestOurs: true } as const) : {};
  const blobs = new BlobFetch(pull, await registry.settings(), []);
  try {
    return await fetchImage(shelf, image.found, { ...names, ...ours }, blobs);
  } catch (error) {
    if (error instanceof RegistryProblem) return undefined; // it went away in the middle
    throw error;
  }
}

async function pull(pull: Pull): Promise<LocalImage> {
  const { registry, reference, shelf, trust } = pull;
  const { digest } = reference;
  const here = digest === undefined ? undefined : imageWith(shelf, digest);
  const present = here !== undefined && trust.knows(here.digest) ? here : undefined;
  const renamed = present && (await rename(pull, present, []));
  if (renamed !== undefined) return renamed;
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

/** The content is here: it only gets the name. undefined when it was removed just now. */
async function rename(
  { shelf, reference, options }: Pull,
  image: StoredImage,
  digests: readonly Digest[],
): Promise<LocalImage | undefined> {
  const names = namesOf(reference, digests);
  const { tags, repoDigests = [] } = image;
  const hasAll =
    names.tags.every((tag) => tags.includes(tag)) &&
    names.repoDigests.every((name) => repoDigests.includes(name));
  const renamed = hasAll ? localImage(image) : await shelf.rename(image.digest, names);
  for (const { digest } of renamed === undefined ? [] : image.layers) {
    options.onProgress?.({ layer: digest, status: 'present', bytes: 0, total: 0 });
  }
  return renamed;
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
  const { shelf, reference, options, trust } = pull;
  const [first] = repositories as [Repository];
  const { signal } = options;
  const tag = reference.tag ?? 'latest';
  const here = reference.digest === undefined ? tagged(shelf, reference) : undefined;
  if (here !== undefined) {
    const current = await currentDigest(first, tag, signal);
    const same = current === undefined ? undefined : pulledAs(shelf, reference, current);
    const isKnown = same !== undefined && trust.knows(same.digest);
    const renamed = isKnown ? await rename(pull, same, []) : undefined;
    if (renamed !== undefined) return renamed;
  }
  const found = await findManifest(first, reference.digest ?? tag, signal);
  await trust.check(repositories, found.digests, signal);
  const same = imageWith(shelf, found.digest);
  const renamed = same && (await rename(pull, same, found.digests));
  if (renamed !== undefined) return renamed;
  const blobs = new BlobFetch(pull, settings, repositories);
  return fetchImage(shelf, found, namesOf(reference, found.digests), blobs);
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

function namesOf(reference: Reference, digests: readonly Digest[]): Names {
  const repoDigests = digests.map((digest) => `${reference.repository}@${digest}`);
  return { tags: tagsOf(reference), repoDigests };
}
