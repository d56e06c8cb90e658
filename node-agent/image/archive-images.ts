/**
 * The images an archive holds: an OCI layout (`oci-layout`, `index.json`), a docker-archive (`manifest.json`), or both in one,
 * as Docker >= 25 saves them. Every descriptor's size and digest is checked.
 */

import { open } from 'node:fs/promises';
import * as t from 'io-ts';
import { invalidArchive } from './archive-error.ts';
import type { ArchiveFile, ArchiveFiles } from './archive-files.ts';
import { compressionOf } from './decompress.ts';
import { chainIds, type Digest, digestOf, hexOf } from './digest.ts';
import * as oci from './oci.ts';
import { selectPlatform } from './platform.ts';
import { normalizedTag, parseReference } from './reference.ts';

const JsonObject = t.UnknownRecord;

export interface ArchiveLayer {
  readonly file: ArchiveFile;
  readonly digest: Digest;
  readonly diffId: Digest;
  readonly chainId: Digest;
}

export interface ArchiveImage {
  readonly tags: readonly string[];
  /** Byte by byte as it came; made here for a docker-archive, which has none. */
  readonly manifest: Buffer;
  readonly isManifestOurs?: true;
  readonly digest: Digest;
  readonly id: Digest;
  readonly configFile: ArchiveFile;
  readonly config: oci.Config;
  /** Lowest first. */
  readonly layers: readonly ArchiveLayer[];
}

/** @throws ImageError `InvalidArchive` */
export async function readImages(files: ArchiveFiles): Promise<readonly ArchiveImage[]> {
  const fromLayout = files.find('index.json') === undefined ? [] : await layoutImages(files);
  const images =
    files.find('manifest.json') === undefined
      ? fromLayout
      : await withDockerImages(files, fromLayout);
  if (images.length > 0) return images;
  throw invalidArchive(
    'it holds no image: there is neither a manifest.json (docker save) nor an index.json with manifests (OCI layout)',
  );
}

async function layoutImages(files: ArchiveFiles): Promise<readonly ArchiveImage[]> {
  const index = oci.decodeJson(oci.Index, await files.read('index.json'), "'index.json'");
  const images: ArchiveImage[] = [];
  for (const descriptor of selectPlatform(index.manifests, 'every')) {
    const manifest = await imageManifest(files, descriptor, 0);
    images.push({ ...(await layoutImage(files, manifest)), tags: annotatedTags(descriptor) });
  }
  return images;
}

/** The bytes of a verified blob of the layout. */
async function verifiedBlob(
  files: ArchiveFiles,
  { digest, size }: oci.Descriptor,
): Promise<ArchiveFile> {
  const name = oci.blobName(digest);
  const file = files.get(name);
  if (file.digest !== digest || file.size !== size) {
    throw invalidArchive(
      `'${name}' should have ${size} bytes with the digest ${digest}, but has ${file.size} with ${file.digest}; ` +
        'the archive is damaged, make or fetch it anew',
    );
  }
  return file;
}

/** Goes down through indexes to this machine's manifest. */
async function imageManifest(
  files: ArchiveFiles,
  descriptor: oci.Descriptor,
  depth: number,
): Promise<{ readonly bytes: Buffer; readonly digest: Digest }> {
  if (depth > 4) throw invalidArchive('its indexes are nested more than 4 deep');
  await verifiedBlob(files, descriptor);
  const bytes = await files.read(oci.blobName(descriptor.digest));
  const { digest, mediaType } = descriptor;
  const fields = oci.decodeJson(JsonObject, bytes, `manifest ${digest}`);
  const why = oci.ambiguity(fields, mediaType);
  if (why !== undefined) throw invalidArchive(`manifest ${digest}: ${why}`);
  if (!Array.isArray(fields['manifests'])) return { bytes, digest };
  const index = oci.decodeJson(oci.Index, bytes, `index ${descriptor.digest}`);
  const [chosen] = selectPlatform(index.manifests, 'first');
  if (chosen === undefined) throw invalidArchive(`index ${descriptor.digest} holds no manifest`);
  return imageManifest(files, chosen, depth + 1);
}

async function layoutImage(
  files: ArchiveFiles,
  { bytes, digest }: { readonly bytes: Buffer; readonly digest: Digest },
): Promise<Omit<ArchiveImage, 'tags'>> {
  const manifest = oci.decodeJson(oci.Manifest, bytes, `manifest ${digest}`);
  const configFile = await verifiedBlob(files, manifest.config);
  const layers: ArchiveFile[] = [];
  for (const layer of manifest.layers) layers.push(await verifiedBlob(files, layer));
  const name = oci.blobName(manifest.config.digest);
  const config = oci.decodeJson(
    oci.Config,
    await files.read(name),
    `configuration ${configFile.digest}`,
  );
  return {
    manifest: bytes,
    digest,
    id: configFile.digest,
    configFile,
    config,
    layers: archiveLayers(layers, config, digest),
  };
}

function archiveLayers(
  files: readonly ArchiveFile[],
  config: oci.Config,
  image: string,
): readonly ArchiveLayer[] {
  const diffIds = config.rootfs.diff_ids ?? [];
  if (diffIds.length !== files.length) {
    throw invalidArchive(
      `image ${image} has ${files.length} layers, but its configuration names ${diffIds.length}`,
    );
  }
  const chain = chainIds(diffIds);
  return files.map((file, i) => ({
    file,
    digest: file.digest,
    diffId: diffIds[i] as Digest,
    chainId: chain[i] as Digest,
  }));
}

/** containerd's annotation has the whole name, the OCI's often only the tag. */
function annotatedTags({ annotations }: oci.Descriptor): readonly string[] {
  const name =
    annotations?.['io.containerd.image.name'] ?? annotations?.['org.opencontainers.image.ref.name'];
  if (name === undefined || !/[/:]/.test(name)) return [];
  try {
    return [normalizedTag(parseReference(name))];
  } catch {
    return []; // the annotation is free text
  }
}

/** Adds what `manifest.json` says: tags of images the layout has, too, and images it has not. */
async function withDockerImages(
  files: ArchiveFiles,
  known: readonly ArchiveImage[],
): Promise<readonly ArchiveImage[]> {
  const images = [...known];
  const json = await files.read('manifest.json');
  for (const entry of oci.decodeJson(oci.DockerManifests, json, "'manifest.json'")) {
    const tags = (entry.RepoTags ?? []).map((tag) => normalizedTag(parseReference(tag)));
    const id = files.get(entry.Config).digest;
    const at = images.findIndex((image) => image.id === id);
    const image = images[at] ?? (await dockerImage(files, entry.Config, entry.Layers ?? []));
    const tagged = { ...image, tags: [...new Set([...image.tags, ...tags])] };
    if (at === -1) images.push(tagged);
    else images[at] = tagged;
  }
  return images;
}

async function dockerImage(
  files: ArchiveFiles,
  configName: string,
  layerNames: readonly string[],
): Promise<ArchiveImage> {
  const configFile = files.get(configName);
  const named = /([a-f0-9]{64})(?:\.json)?$/.exec(configName)?.[1];
  if (named !== undefined && named !== hexOf(configFile.digest)) {
    throw invalidArchive(
      `'${configName}' has the digest ${configFile.digest}; the archive is damaged`,
    );
  }
  const config = oci.decodeJson(oci.Config, await files.read(configName), `'${configName}'`);
  const layerFiles = layerNames.map((name) => files.get(name));
  const layers = archiveLayers(layerFiles, config, configFile.digest);
  const manifest = await madeManifest(configFile, layerFiles);
  const digest = digestOf(manifest);
  const id = configFile.digest;
  return { tags: [], manifest, isManifestOurs: true, digest, id, configFile, config, layers };
}

/** The OCI manifest of an image that came without one. The same image always gets the same bytes. */
async function madeManifest(config: ArchiveFile, layers: readonly ArchiveFile[]): Promise<Buffer> {
  const descriptors = [];
  for (const { path, digest, size } of layers) {
    const compression = compressionOf(await firstBytes(path));
    const suffix = compression === 'none' ? '' : `+${compression}`;
    descriptors.push({ mediaType: `${oci.MEDIA_TYPES.layer}${suffix}`, digest, size });
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: oci.MEDIA_TYPES.manifest,
    config: { mediaType: oci.MEDIA_TYPES.config, digest: config.digest, size: config.size },
    layers: descriptors,
  };
  return Buffer.from(JSON.stringify(manifest));
}

async function firstBytes(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(6), 0, 6, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
