/**
 * The JSON of images: OCI image-spec v1.1 (index, manifest, config) and Docker's `manifest.json` of `docker save`.
 * Unknown fields are kept out of the way, as the specification demands.
 */

import * as t from 'io-ts';
import { algorithmOf, type Digest, hexOf, isDigest } from './digest.ts';
import { ImageError } from './images.ts';

const DigestText = new t.Type<Digest, string, unknown>(
  'sha256 or sha512 digest',
  (value): value is Digest => typeof value === 'string' && isDigest(value),
  (value, context) =>
    typeof value === 'string' && isDigest(value) ? t.success(value) : t.failure(value, context),
  (value) => value,
);

// Go writes null for empty lists and maps.
const nullable = <C extends t.Mixed>(codec: C) => t.union([codec, t.null, t.undefined]);
const Strings = nullable(t.array(t.string));

const Platform = t.intersection([
  t.type({ os: t.string, architecture: t.string }),
  t.partial({ variant: t.string }),
]);

export const Descriptor = t.intersection([
  t.type({ digest: DigestText, size: t.number }),
  t.partial({
    mediaType: t.string,
    platform: nullable(Platform),
    annotations: nullable(t.record(t.string, t.string)),
    urls: Strings,
    artifactType: t.string,
  }),
]);
export type Descriptor = t.TypeOf<typeof Descriptor>;

export const Index = t.intersection([
  t.type({ manifests: t.array(Descriptor) }),
  t.partial({ mediaType: t.string }),
]);

export const Manifest = t.intersection([
  t.type({ config: Descriptor, layers: t.array(Descriptor) }),
  t.partial({ mediaType: t.string, artifactType: t.string }),
]);
export type Manifest = t.TypeOf<typeof Manifest>;

export const Config = t.intersection([
  t.type({
    rootfs: t.type({ type: t.literal('layers'), diff_ids: nullable(t.array(DigestText)) }),
  }),
  t.partial({
    created: nullable(t.string),
    architecture: t.string,
    os: t.string,
    config: nullable(
      t.partial({
        Entrypoint: nullable(t.union([t.array(t.string), t.string])),
        Cmd: nullable(t.union([t.array(t.string), t.string])),
        Env: Strings,
        WorkingDir: nullable(t.string),
        User: nullable(t.string),
        Labels: nullable(t.record(t.string, t.string)),
        ExposedPorts: nullable(t.record(t.string, t.unknown)),
        StopSignal: nullable(t.string),
        Volumes: nullable(t.record(t.string, t.unknown)),
        Shell: Strings,
        Healthcheck: nullable(
          t.partial({
            Test: Strings,
            Interval: t.number,
            Timeout: t.number,
            StartPeriod: t.number,
            StartInterval: t.number,
            Retries: t.number,
          }),
        ),
      }),
    ),
  }),
]);
export type Config = t.TypeOf<typeof Config>;

export const DockerManifests = t.array(
  t.intersection([
    t.type({ Config: t.string, Layers: nullable(t.array(t.string)) }),
    t.partial({ RepoTags: Strings }),
  ]),
);

export const MEDIA_TYPES = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
} as const;

/** Where a layout keeps a blob (OCI image-spec, image-layout.md, "Blobs"). */
export const blobName = (digest: Digest): string => `blobs/${algorithmOf(digest)}/${hexOf(digest)}`;

/** OCI's and Docker's names for an index. */
export function isIndexType(mediaType: string | undefined): boolean {
  return (
    mediaType !== undefined && /image\.index\.v1\+json|manifest\.list\.v2\+json/.test(mediaType)
  );
}

const isManifestType = (mediaType: string): boolean =>
  /image\.manifest\.v1\+json|distribution\.manifest\.v2\+json/.test(mediaType);

/**
 * Why a document may not be used: it must not be an image to one tool and an index to the next (CVE-2021-41190).
 * `declared`: what whoever refers to it says it is.
 */
export function ambiguity(
  fields: Readonly<Record<string, unknown>>,
  declared?: string,
): string | undefined {
  const isIndex = Array.isArray(fields['manifests']);
  if (isIndex && (fields['layers'] !== undefined || fields['config'] !== undefined)) {
    return 'the document is an index and an image at once';
  }
  const kind = isIndex ? 'an index' : 'no index';
  for (const type of [String(fields['mediaType'] ?? ''), declared ?? '']) {
    const isContrary = isIndex ? isManifestType(type) : isIndexType(type);
    if (isContrary) return `the document is ${kind}, but called ${type}`;
  }
  return undefined;
}

/**
 * Parses and checks JSON of an archive; `what` names it in errors.
 * @throws ImageError `InvalidArchive`
 */
export function decodeJson<A>(codec: t.Decoder<unknown, A>, bytes: Buffer, what: string): A {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new ImageError('InvalidArchive', `read ${what}: it is not JSON`, { cause });
  }
  const decoded = codec.decode(json);
  if (decoded._tag === 'Right') return decoded.right;
  const context = decoded.left[0]?.context ?? [];
  const path = context.map(({ key }) => key).filter((key) => key !== '' && !/^\d+$/.test(key));
  const where = path.length === 0 ? 'its top level' : path.join('.');
  const wanted = context.at(-1)?.type.name ?? 'something else';
  throw new ImageError('InvalidArchive', `read ${what}: ${where} is not ${wanted.slice(0, 80)}`);
}
