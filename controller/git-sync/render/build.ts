/**
 * Builds a folder with a kustomization: reads what it names, changes it in kustomize's order, makes references follow.
 * What is wrong is told with its place, and keeps nothing back but what depends on it.
 */
import { cloneJson } from '#api/resources/json.ts';
import { hasFolder, joined, type Tree } from '../source/tree.ts';
import type { Document, Problem, Rendered } from '../types.ts';
import { parseDocuments } from './documents.ts';
import { generate, mergeGenerated } from './generators.ts';
import { contentHash } from './hash.ts';
import { changeImages, setReplicas } from './images.ts';
import { groupOf, type Item, isCalled, itemOf, rename } from './item.ts';
import {
  type Generator,
  type Kustomization,
  kustomizationIn,
  type Patch,
  type ReadKustomization,
  readKustomization,
} from './kustomization.ts';
import { label } from './labels.ts';
import { applyPatch, isInlinePatch } from './patches.ts';
import { followNames, setNamespace } from './references.ts';
import { applyReplacements } from './replacements.ts';

/** Kustomizations within kustomizations. */
const maxDepth = 32;
/** Read for one folder, those that are read twice included. */
const maxReads = 2_000;

/** These names mean something to the server; they are not lengthened. */
const fixedNames = (item: Item): boolean =>
  ['CustomResourceDefinition', 'APIService'].includes(item.object.kind) ||
  (item.object.kind === 'Namespace' && groupOf(item.object) === '');

interface Step {
  readonly folder: string;
  readonly read: ReadKustomization;
  /** Folders on the way here: none of them is entered again. */
  readonly above: readonly string[];
}

const isRemote = (path: string): boolean =>
  /^[a-z+]+:\/\//i.test(path) || /^[\w.-]+@|^github\.com\/|\?ref=/.test(path);

export class Builder {
  readonly #tree: Tree;
  readonly #problems: Problem[] = [];
  #reads = 0;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  /** Everything the folder's kustomization makes. */
  async build(folder: string): Promise<Rendered> {
    let items: Item[];
    try {
      items = await this.#folder(folder, [], []);
    } catch (error) {
      const place = kustomizationIn(this.#tree, folder) ?? folder;
      return { documents: [], problems: [{ place, message: (error as Error).message }] };
    }
    const before = new Map(items.map((item) => [item, item.object.metadata.name]));
    for (const item of items) {
      if (!item.hashed) continue;
      rename(item, `${item.object.metadata.name}-${contentHash(item.object)}`);
    }
    followNames(items, before);
    return {
      documents: items.map(({ object, place }): Document => ({ object, place })),
      problems: this.#problems,
    };
  }

  /** `held`: what a component changes; else nothing. */
  async #folder(folder: string, above: readonly string[], held: Item[]): Promise<Item[]> {
    const path = kustomizationIn(this.#tree, folder);
    if (path === undefined) throw new Error(`${folder || '.'} has no kustomization.yaml`);
    if (above.includes(folder)) throw new Error(`${folder || '.'} contains itself`);
    if (above.length >= maxDepth)
      throw new Error(`more than ${maxDepth} folders within each other`);
    const read = readKustomization((await this.#read(path)).toString('utf8'), path);
    this.#problems.push(...read.problems);
    const step: Step = { folder, read, above: [...above, folder] };
    let items = [...held, ...(await this.#resources(step))];
    await this.#generate(step, items);
    for (const component of read.value.components ?? []) {
      await this.#tell(step, 'components', async () => {
        const at = joined(folder, component);
        this.#mustBeFolder(component, at);
        items = await this.#folder(at, step.above, items);
      });
    }
    items = await this.#patch(step, items, ['patchesStrategicMerge', 'patches']);
    this.#transform(read.value, items);
    items = await this.#patch(step, items, ['patchesJson6902']);
    await this.#lateChanges(step, items);
    return items;
  }

  async #read(path: string): Promise<Buffer> {
    this.#reads += 1;
    if (this.#reads > maxReads) throw new Error(`more than ${maxReads} files are read`);
    return this.#tree.read(path);
  }

  /** Does a part of a kustomization; that it cannot is told at the line of the field. */
  async #tell(step: Step, field: keyof Kustomization, work: () => Promise<unknown> | unknown) {
    try {
      await work();
    } catch (error) {
      const message = `${field}: ${(error as Error).message}`;
      this.#problems.push({ place: step.read.place(field), message });
    }
  }

  #mustBeFolder(said: string, at: string): void {
    if (!hasFolder(this.#tree, at)) throw new Error(`${said}: there is no such folder`);
  }

  async #resources(step: Step): Promise<Item[]> {
    const items: Item[] = [];
    for (const field of ['resources', 'bases'] as const) {
      for (const said of step.read.value[field] ?? []) {
        await this.#tell(step, field, async () => {
          if (isRemote(said))
            throw new Error(`${said}: other repositories are not read; copy it here`);
          const at = joined(step.folder, said);
          if (this.#tree.entries.has(at)) items.push(...(await this.#file(at)));
          else {
            this.#mustBeFolder(said, at);
            items.push(...(await this.#folder(at, step.above, [])));
          }
        });
      }
    }
    return items;
  }

  async #file(path: string): Promise<Item[]> {
    const { documents, problems } = parseDocuments((await this.#read(path)).toString('utf8'), path);
    this.#problems.push(...problems);
    // Two kustomizations may read the same file: each changes its own.
    return documents.map(({ object, place }) => itemOf({ object: cloneJson(object), place }));
  }

  async #generate(step: Step, items: Item[]): Promise<void> {
    const { value, place } = step.read;
    const read = (path: string) => this.#read(joined(step.folder, path));
    const kinds = { configMapGenerator: 'ConfigMap', secretGenerator: 'Secret' } as const;
    for (const [field, kind] of Object.entries(kinds)) {
      const name = field as keyof typeof kinds;
      for (const generator of value[name] ?? []) {
        await this.#tell(step, name, async () => {
          const object = await generate(kind, generator, value.generatorOptions ?? {}, read);
          const noHash =
            generator.options?.disableNameSuffixHash ??
            value.generatorOptions?.disableNameSuffixHash;
          addGenerated(items, itemOf({ object, place: place(name) }, noHash !== true), generator);
        });
      }
    }
  }

  async #patch(
    step: Step,
    items: Item[],
    fields: readonly ('patches' | 'patchesStrategicMerge' | 'patchesJson6902')[],
  ): Promise<Item[]> {
    let left = items;
    for (const field of fields) {
      for (const said of step.read.value[field] ?? []) {
        await this.#tell(step, field, async () => {
          const patch: Patch =
            typeof said !== 'string'
              ? said
              : isInlinePatch(said)
                ? { patch: said }
                : { path: said };
          const { path } = patch;
          const at = path === undefined ? undefined : joined(step.folder, path);
          const text = at === undefined ? patch.patch : (await this.#read(at)).toString('utf8');
          if (text === undefined) throw new Error('a patch needs path or patch');
          left = applyPatch(left, text, patch);
        });
      }
    }
    return left;
  }

  #transform(value: Kustomization, items: readonly Item[]): void {
    const before = new Map(items.map((item) => [item, item.object.metadata.name]));
    if (value.namespace !== undefined && value.namespace !== '')
      setNamespace(items, value.namespace);
    const { namePrefix = '', nameSuffix = '' } = value;
    if (namePrefix !== '' || nameSuffix !== '') {
      for (const item of items) {
        if (fixedNames(item)) continue;
        rename(item, `${namePrefix}${item.object.metadata.name}${nameSuffix}`);
      }
    }
    followNames(items, before);
    for (const { object } of items) label(object, value);
  }

  async #lateChanges(step: Step, items: readonly Item[]): Promise<void> {
    const { replicas = [], images = [], replacements = [] } = step.read.value;
    for (const { name, count } of replicas) {
      await this.#tell(step, 'replicas', () => {
        if (!Number.isInteger(count)) throw new Error(`${name}: count must be a whole number`);
        const set = items.filter((item) => isCalled(item, name) && setReplicas(item.object, count));
        if (set.length === 0) throw new Error(`nothing with replicas is called ${name}`);
      });
    }
    for (const { object } of items) changeImages(object, images);
    const read = (path: string) => this.#read(joined(step.folder, path));
    for (const said of replacements) {
      await this.#tell(step, 'replacements', () => applyReplacements(items, said, read));
    }
  }
}

/** Takes what was generated among the items, as its `behavior` says. */
function addGenerated(items: Item[], made: Item, { behavior = 'create' }: Generator): void {
  const { kind, metadata } = made.object;
  const held = items.find(({ object, names }) => {
    const called = object.metadata.name === metadata.name || names.has(metadata.name);
    const near =
      metadata.namespace === undefined || object.metadata.namespace === metadata.namespace;
    return object.kind === kind && called && near;
  });
  if (behavior === 'create') {
    if (held !== undefined)
      throw new Error(`${kind} ${metadata.name} is there; use behavior: merge or replace`);
    items.push(made);
    return;
  }
  if (held === undefined) throw new Error(`there is no ${kind} ${metadata.name} to ${behavior}`);
  if (behavior === 'replace') {
    const { name, namespace } = held.object.metadata;
    held.object = { ...made.object, metadata: { ...made.object.metadata, name } };
    if (namespace !== undefined) held.object.metadata.namespace = namespace;
  } else mergeGenerated(held.object, made.object);
  held.hashed = held.hashed || made.hashed;
}
