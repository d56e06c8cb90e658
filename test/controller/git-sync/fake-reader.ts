/** A source that says what a test wants, and GitSyncs over the API in memory. */
import { configMaps, namespaces } from '#api/resources/resource-types.ts';
import { gitSyncController } from '#controller/git-sync/controller.ts';
import { SourceError } from '#controller/git-sync/source/tree.ts';
import type { Fetched, FetchRequest, Reader } from '#controller/git-sync/sources.ts';
import type { Document, GitSync, Problem } from '#controller/git-sync/types.ts';

/** A document that is a ConfigMap. */
export const map = (name: string, value: string, extra: object = {}): Document => ({
  object: {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, ...extra },
    data: { key: value },
  },
  place: `${name}.yaml:1`,
});

export class FakeReader implements Reader {
  #revision = 0;
  #documents: readonly Document[] = [];
  #problems: readonly Problem[] = [];
  #error: SourceError | undefined;
  /** How often it was asked. */
  asked = 0;
  readonly forgotten: string[] = [];
  #changed = new Set<() => void>();

  /** A commit with these documents. */
  push(documents: readonly Document[], problems: readonly Problem[] = []): void {
    this.#revision += 1;
    this.#documents = documents;
    this.#problems = problems;
    this.#error = undefined;
    for (const changed of [...this.#changed]) changed();
  }

  /** It is asked in vain from now on. */
  fail(reason: string, message: string): void {
    this.#error = new SourceError(reason, message);
    for (const changed of [...this.#changed]) changed();
  }

  async fetch({ known }: FetchRequest): Promise<Fetched | 'same'> {
    this.asked += 1;
    if (this.#error !== undefined) throw this.#error;
    const found = this.#fetched();
    return found.revision === known ? 'same' : found;
  }

  async held({ previous }: FetchRequest): Promise<Fetched | undefined> {
    const found = this.#fetched();
    return found.revision === previous ? found : undefined;
  }

  #fetched(): Fetched {
    const rendered = structuredClone({ documents: this.#documents, problems: this.#problems });
    return { revision: `${this.#revision}`.padStart(40, '0'), ref: 'main', rendered };
  }

  watch(_: GitSync, changed: () => void): () => void {
    this.#changed.add(changed);
    return () => this.#changed.delete(changed);
  }

  async forget(uid: string): Promise<void> {
    this.forgotten.push(uid);
  }

  async sweep(): Promise<void> {}
}

/** The controller over the reader; the server knows ConfigMaps and Namespaces. */
export const controllerOver = (reader: Reader) =>
  gitSyncController(
    () => reader,
    async () => [configMaps, namespaces],
  );

export const aGitSync = (name: string, spec: Partial<GitSync['spec']> = {}): GitSync => ({
  apiVersion: 'bayplan.dev/v1alpha1',
  kind: 'GitSync',
  metadata: { name, namespace: 'default' },
  spec: { source: { url: 'file:///fleet.git' }, ...spec },
});
