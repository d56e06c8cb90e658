/** Makes image archives as docker, buildx, skopeo and podman write them. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { type TarEntry, tar } from './tar-builder.ts';

export const sha256 = (bytes: Buffer | string): string =>
  createHash('sha256').update(bytes).digest('hex');

export interface ImageParts {
  /** Layer tars, uncompressed, lowest first. */
  readonly layers: readonly Buffer[];
  readonly config?: Readonly<Record<string, unknown>>;
  readonly architecture?: string;
  /** How layers are stored. */
  readonly compress?: (layer: Buffer) => Buffer;
}

function configOf({ layers, config = {}, architecture = 'amd64' }: ImageParts): Buffer {
  const diffIds = layers.map((layer) => `sha256:${sha256(layer)}`);
  return Buffer.from(
    JSON.stringify({
      created: '2024-05-06T07:08:09Z',
      architecture,
      os: 'linux',
      config,
      rootfs: { type: 'layers', diff_ids: diffIds },
    }),
  );
}

/** As `docker save` before 25 and `skopeo copy … docker-archive:` write it. */
export function dockerArchive(
  images: readonly (ImageParts & { readonly tags: readonly string[] | null })[],
): TarEntry[] {
  const files = new Map<string, Buffer>();
  const manifest = images.map((image) => {
    const config = configOf(image);
    const configName = `${sha256(config)}.json`;
    files.set(configName, config);
    const layers = image.layers.map((layer) => {
      const name = `${sha256(layer)}/layer.tar`;
      files.set(name, image.compress?.(layer) ?? layer);
      return name;
    });
    return { Config: configName, RepoTags: image.tags, Layers: layers };
  });
  const entries = [...files].map(([name, content]): TarEntry => ({ name, content }));
  return [...entries, { name: 'manifest.json', content: JSON.stringify(manifest) }];
}

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An OCI layout, filled piece by piece. */
export class Layout {
  readonly blobs = new Map<string, Buffer>();

  blob(mediaType: string, content: Buffer | string): Descriptor {
    const bytes = Buffer.from(content);
    this.blobs.set(sha256(bytes), bytes);
    return { mediaType, digest: `sha256:${sha256(bytes)}`, size: bytes.length };
  }

  /** Adds an image; its manifest's descriptor is for an index. */
  image(parts: ImageParts): Descriptor {
    const config = this.blob('application/vnd.oci.image.config.v1+json', configOf(parts));
    const layers = parts.layers.map((layer) =>
      this.blob('application/vnd.oci.image.layer.v1.tar', parts.compress?.(layer) ?? layer),
    );
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    return this.blob(mediaType, JSON.stringify({ schemaVersion: 2, mediaType, config, layers }));
  }

  index(manifests: readonly Descriptor[]): Descriptor {
    const mediaType = 'application/vnd.oci.image.index.v1+json';
    return this.blob(mediaType, JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
  }

  /** The archive's files; `manifests` go into `index.json`. */
  entries(manifests: readonly Descriptor[]): TarEntry[] {
    const blobs = [...this.blobs].map(
      ([hex, content]): TarEntry => ({ name: `blobs/sha256/${hex}`, content }),
    );
    return [
      { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
      { name: 'index.json', content: JSON.stringify({ schemaVersion: 2, manifests }) },
      { name: 'blobs/', type: '5' },
      ...blobs,
    ];
  }
}

/** A layer with one file. */
export function layer(name: string, content: string): Buffer {
  return tar([{ name, content }]);
}

export async function* pieces(bytes: Buffer, size = 65536): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

export const of512 = (bytes: Buffer): `sha512:${string}` =>
  `sha512:${createHash('sha512').update(bytes).digest('hex')}`;

export const described512 = (mediaType: string, bytes: Buffer): Descriptor => ({
  mediaType,
  digest: of512(bytes),
  size: bytes.length,
});

export interface Image512 {
  readonly diffIds: readonly `sha512:${string}`[];
  readonly config: Buffer;
  readonly layers: readonly Buffer[];
  readonly manifest: Buffer;
}

/** An image all of whose parts are called by their SHA-512. */
export function image512(): Image512 {
  const tars = [layer('lower', 'l'), layer('upper', 'u')];
  const diffIds = tars.map(of512);
  const rootfs = { type: 'layers', diff_ids: diffIds };
  const config = json({ architecture: 'amd64', os: 'linux', config: { Cmd: ['/x'] }, rootfs });
  const layers = tars.map((bytes) => gzipSync(bytes));
  const manifest = json({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: described512('application/vnd.oci.image.config.v1+json', config),
    layers: layers.map((bytes) =>
      described512('application/vnd.oci.image.layer.v1.tar+gzip', bytes),
    ),
  });
  return { diffIds, config, layers, manifest };
}

/** Its OCI layout, in which it is called `name`. */
export function layout512({ config, layers, manifest }: Image512, name: string): TarEntry[] {
  const type = 'application/vnd.oci.image.manifest.v1+json';
  const annotations = { 'io.containerd.image.name': name };
  const manifests = [{ ...described512(type, manifest), annotations }];
  return [
    { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
    { name: 'index.json', content: json({ schemaVersion: 2, manifests }) },
    ...[config, ...layers, manifest].map((content) => {
      const name = of512(content).slice(7);
      // Too long for the header of old.
      return { name, content, pax: { path: `blobs/sha512/${name}` } };
    }),
  ];
}
