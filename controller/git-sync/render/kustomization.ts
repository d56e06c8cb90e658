/** The file that says how documents of a folder are put together and changed. */
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { isObject, type JsonObject, objectsOf } from '#api/resources/json.ts';
import type { Tree } from '../source/tree.ts';
import type { Problem } from '../types.ts';
import type { Replacement } from './replacements.ts';

const fileNames = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];

/** The path of the folder's kustomization, if it has one. */
export function kustomizationIn({ entries }: Pick<Tree, 'entries'>, folder: string) {
  const paths = fileNames.map((name) => (folder === '' ? name : `${folder}/${name}`));
  return paths.find((path) => entries.has(path));
}

export interface Generator {
  readonly name: string;
  readonly namespace?: string;
  readonly behavior?: 'create' | 'merge' | 'replace';
  readonly literals?: readonly string[];
  readonly files?: readonly string[];
  readonly envs?: readonly string[];
  readonly env?: string;
  readonly type?: string;
  readonly options?: GeneratorOptions;
}

export interface GeneratorOptions {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly disableNameSuffixHash?: boolean;
  readonly immutable?: boolean;
}

export interface Target {
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly annotationSelector?: string;
}

export interface Patch {
  readonly path?: string;
  readonly patch?: string;
  readonly target?: Target;
  readonly options?: { readonly allowNameChange?: boolean; readonly allowKindChange?: boolean };
}

export interface ImageChange {
  readonly name: string;
  readonly newName?: string;
  readonly newTag?: string;
  readonly digest?: string;
}

export interface LabelChange {
  readonly pairs?: Readonly<Record<string, string>>;
  readonly includeSelectors?: boolean;
  readonly includeTemplates?: boolean;
}

/** What is read of it; every other field is a problem. */
export interface Kustomization {
  readonly kind?: string;
  readonly resources?: readonly string[];
  readonly bases?: readonly string[];
  readonly components?: readonly string[];
  readonly namespace?: string;
  readonly namePrefix?: string;
  readonly nameSuffix?: string;
  readonly commonLabels?: Readonly<Record<string, string>>;
  readonly labels?: readonly LabelChange[];
  readonly commonAnnotations?: Readonly<Record<string, string>>;
  readonly images?: readonly ImageChange[];
  readonly replicas?: readonly { readonly name: string; readonly count: number }[];
  readonly patches?: readonly Patch[];
  readonly patchesStrategicMerge?: readonly string[];
  readonly patchesJson6902?: readonly Patch[];
  readonly replacements?: readonly Replacement[];
  readonly configMapGenerator?: readonly Generator[];
  readonly secretGenerator?: readonly Generator[];
  readonly generatorOptions?: GeneratorOptions;
}

type Kind = 'text' | 'texts' | 'map' | 'maps' | 'ignored';

const fields: Readonly<Record<string, Kind>> = {
  apiVersion: 'ignored',
  kind: 'text',
  metadata: 'ignored',
  sortOptions: 'ignored',
  buildMetadata: 'ignored',
  resources: 'texts',
  bases: 'texts',
  components: 'texts',
  namespace: 'text',
  namePrefix: 'text',
  nameSuffix: 'text',
  commonLabels: 'map',
  labels: 'maps',
  commonAnnotations: 'map',
  images: 'maps',
  replicas: 'maps',
  patches: 'maps',
  patchesStrategicMerge: 'texts',
  patchesJson6902: 'maps',
  replacements: 'maps',
  configMapGenerator: 'maps',
  secretGenerator: 'maps',
  generatorOptions: 'map',
};

const isTexts = (value: unknown) =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');

const rightForms: Readonly<Record<Kind, readonly [(value: unknown) => boolean, string]>> = {
  text: [(value) => typeof value === 'string', 'text'],
  texts: [isTexts, 'a list of texts'],
  map: [isObject, 'an object'],
  maps: [
    (value) => Array.isArray(value) && objectsOf(value).length === value.length,
    'a list of objects',
  ],
  ignored: [() => true, ''],
};

/** What each element must have. */
const namedFields = new Set(['images', 'replicas', 'configMapGenerator', 'secretGenerator']);

export interface ReadKustomization {
  readonly value: Kustomization;
  readonly problems: readonly Problem[];
  /** `overlays/a/kustomization.yaml:7`: where a field of it stands. */
  place(field: string): string;
}

function problemOf(field: string, value: unknown): string | undefined {
  const kind = fields[field];
  if (kind === undefined) return `${field} is not supported; known: ${known}`;
  const [isRight, form] = rightForms[kind];
  if (!isRight(value)) return `${field} must be ${form}`;
  const nameless =
    namedFields.has(field) && objectsOf(value).some((one) => typeof one['name'] !== 'string');
  return nameless ? `${field}: each needs a name` : undefined;
}

const known = Object.keys(fields)
  .filter((field) => fields[field] !== 'ignored' && field !== 'kind' && field !== 'bases')
  .join(', ');

/** Reads the text; fields that are wrong or unknown are told with their line and left out. */
export function readKustomization(text: string, file: string): ReadKustomization {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const at = (offset: number) => `${file}:${lineCounter.linePos(offset).line}`;
  const lines = new Map<string, string>();
  if (isMap(document.contents)) {
    for (const { key } of document.contents.items) {
      if (isScalar(key) && key.range) lines.set(String(key.value), at(key.range[0]));
    }
  }
  const place = (field: string) => lines.get(field) ?? file;
  const [error] = document.errors;
  if (error !== undefined) {
    return { value: {}, problems: [{ place: at(error.pos[0]), message: error.message }], place };
  }
  const content: unknown = document.toJS({ maxAliasCount: 100 }) ?? {};
  if (!isObject(content)) {
    return { value: {}, problems: [{ place: file, message: 'must be an object' }], place };
  }
  const value: JsonObject = {};
  const problems: Problem[] = [];
  for (const [field, found] of Object.entries(content)) {
    if (found === null) continue;
    const message = problemOf(field, found);
    if (message === undefined) value[field] = found;
    else problems.push({ place: place(field), message });
  }
  return { value: value as Kustomization, problems, place };
}
