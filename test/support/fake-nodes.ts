/** Nodes' images in memory, and the registries that they pull from and push to, for the controller of Images. */
import { failure } from '#api/resources/status.ts';
import type { HeldImage, NodeImages, TransferOptions } from '#controller/image/node-images.ts';

export const digestFor = (letter: string): string => `sha256:${letter.repeat(64)}`;

type Remote = (options: TransferOptions) => Promise<string> | string;

export class FakeNodes implements NodeImages {
  readonly held = new Map<string, HeldImage[]>();
  /** What a pull or an archive's URL brings: the content's digest. */
  readonly remote = new Map<string, Remote>();
  readonly pushed: { readonly node: string; readonly reference: string; readonly user?: string }[] =
    [];
  readonly pulls: { readonly node: string; readonly reference: string; readonly user?: string }[] =
    [];
  /** Nodes that do not answer. */
  readonly lost = new Set<string>();
  /** Registries that refuse pushes. */
  refusePush = false;

  #of(node: string): HeldImage[] {
    if (this.lost.has(node)) throw failure(503, 'ServiceUnavailable', `${node} does not answer`);
    const images = this.held.get(node) ?? [];
    this.held.set(node, images);
    return images;
  }

  async list(node: string): Promise<readonly HeldImage[]> {
    return structuredClone(this.#of(node));
  }

  /** Names are taken from whoever had them. */
  put(node: string, digest: string, ...tags: string[]): void {
    const images = this.#of(node).map((image) => ({
      ...image,
      tags: image.tags.filter((tag) => !tags.includes(tag)),
    }));
    const known = images.find((image) => image.digest === digest);
    const rest = images.filter((image) => image !== known);
    const all = [...new Set([...(known?.tags ?? []), ...tags])];
    this.held.set(node, [...rest, { digest, sizeBytes: 1000, tags: all }]);
  }

  tagsOn(node: string): string[] {
    return (this.held.get(node) ?? []).flatMap(({ tags }) => tags).sort();
  }

  async pull(node: string, reference: string, options: TransferOptions): Promise<void> {
    const user = options.login?.username;
    this.pulls.push({ node, reference, ...(user === undefined ? {} : { user }) });
    const remote = this.remote.get(reference);
    if (remote === undefined) throw failure(404, 'NotFound', `pull ${reference}: 404 Not Found`);
    this.put(node, await remote(options), reference);
  }

  async push(node: string, reference: string, { login }: TransferOptions) {
    const image = this.#of(node).find(({ tags }) => tags.includes(reference));
    if (image === undefined) throw failure(404, 'NotFound', `no image ${reference}`);
    if (this.refusePush) throw failure(403, 'Forbidden', `push ${reference}: 401 Unauthorized`);
    const user = login?.username;
    this.pushed.push({ node, reference, ...(user === undefined ? {} : { user }) });
    return { digest: image.digest };
  }

  async loadFrom(node: string, url: string, options: TransferOptions) {
    const remote = this.remote.get(url);
    if (remote === undefined) throw failure(502, 'BadGateway', `fetch ${url}: answered 404`);
    const digest = await remote(options);
    this.put(node, digest);
    return this.#of(node).filter((image) => image.digest === digest);
  }

  async tag(node: string, source: string, target: string): Promise<void> {
    const known = this.#of(node).some(({ digest }) => digest === source);
    if (!known) throw failure(404, 'NotFound', `no image ${source}`);
    this.put(node, source, target);
  }

  async remove(node: string, name: string): Promise<void> {
    const images = this.#of(node).map((image) => ({
      ...image,
      tags: image.tags.filter((tag) => tag !== name),
    }));
    this.held.set(
      node,
      images.filter(({ tags }) => tags.length > 0),
    );
  }
}
