/** A node's images and a registry in memory, which do what they are told. */
import {
  ImageError,
  type Images,
  type LocalImage,
  type TransferOptions,
} from '#node-agent/image/images.ts';

export const busybox: LocalImage = {
  id: `sha256:${'ab'.repeat(32)}`,
  digest: `sha256:${'cd'.repeat(32)}`,
  tags: ['bayplan.local/busybox:latest'],
  sizeBytes: 1_000_000,
  config: {
    entrypoint: [],
    cmd: ['sh'],
    env: ['PATH=/bin', 'FROM_IMAGE=yes'],
    workingDir: '',
    user: '',
    labels: {},
    exposedPorts: [],
  },
};

export class FakeImages implements Images {
  /** Whether policies let images start. */
  trusted = true;

  async isTrusted(): Promise<boolean> {
    return this.trusted;
  }

  readonly local = new Map<string, LocalImage>([['busybox', busybox]]);

  async find(reference: string): Promise<LocalImage | undefined> {
    if (/[A-Z ]/.test(reference))
      throw new ImageError('InvalidReference', `${reference} is malformed`);
    return this.local.get(reference);
  }

  async list(): Promise<readonly LocalImage[]> {
    return [...new Set(this.local.values())];
  }

  async load(archive: AsyncIterable<Buffer>): Promise<readonly LocalImage[]> {
    const chunks: Buffer[] = [];
    for await (const chunk of archive) chunks.push(chunk);
    const name = Buffer.concat(chunks).toString();
    if (name === 'broken') throw new ImageError('InvalidArchive', 'not an image');
    this.local.set(name, busybox);
    return [busybox];
  }

  /** What a registry has; pulling waits for the promise. */
  readonly remote = new Map<string, () => Promise<LocalImage>>();
  readonly pulls: { readonly reference: string; readonly options: TransferOptions }[] = [];

  async pull(reference: string, options: TransferOptions = {}): Promise<LocalImage> {
    this.pulls.push({ reference, options });
    const answer = this.remote.get(reference);
    if (answer === undefined) throw new ImageError('NotFound', `pull ${reference}: 404 Not Found`);
    const aborted = Promise.withResolvers<never>();
    options.signal?.addEventListener('abort', () =>
      aborted.reject(new ImageError('Cancelled', `pull ${reference}: cancelled`)),
    );
    const image = await Promise.race([answer(), aborted.promise]);
    this.local.set(reference, image);
    return image;
  }

  async push(reference: string, { onProgress }: TransferOptions = {}) {
    const image = this.local.get(reference);
    if (image === undefined) throw new ImageError('NotFound', `no image ${reference}`);
    onProgress?.({ layer: image.digest, status: 'done', bytes: 1, total: 1 });
    return { digest: image.digest };
  }

  async tag(reference: string, newReference: string): Promise<void> {
    const image = this.local.get(reference);
    if (image === undefined) throw new ImageError('NotFound', `no image ${reference}`);
    this.local.set(newReference, image);
  }

  async remove(reference: string) {
    this.local.delete(reference);
    return { untagged: [reference], deleted: [] };
  }

  async search() {
    return [];
  }

  async checkLogin() {}

  shelf(): never {
    throw new Error('there is no content here');
  }

  async layers(): Promise<readonly string[]> {
    return ['/layers/busybox'];
  }

  async resolveUser(_image: LocalImage, user: string) {
    const uid = user === '' ? 0 : Number(user);
    return { uid, gid: 0, groups: [], home: uid === 0 ? '/root' : '/' };
  }
}
