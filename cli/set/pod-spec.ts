/** Where workloads keep the spec of their pods, and which of its containers a command means. */
import { isObject, type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';

export const containerLists = ['initContainers', 'containers'] as const;

export interface PodSpec {
  readonly path: readonly string[];
  readonly spec: JsonObject;
}

function pathOf(kind: string): readonly string[] {
  if (kind === 'Pod') return ['spec'];
  const template = ['spec', 'template', 'spec'];
  return kind === 'CronJob' ? ['spec', 'jobTemplate', ...template] : template;
}

/** @throws Error for an object without */
export function podSpecOf(object: KubeObject): PodSpec {
  const path = pathOf(object.kind);
  const spec = path.reduce<unknown>((part, field) => objectOr(part)[field], object);
  if (!isObject(spec)) throw new Error(`${object.kind} ${object.metadata.name} has no containers`);
  return { path, spec };
}

/** A merge patch of the pod's spec. */
export const specPatch = ({ path }: PodSpec, patch: object): object =>
  path.reduceRight<object>((inner, field) => ({ [field]: inner }), patch);

/** By a name that may hold `*` for any letters. */
function isChosen(name: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[^\w]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(name);
}

export interface Chosen {
  readonly list: (typeof containerLists)[number];
  readonly name: string;
  readonly container: JsonObject;
}

/** The containers that the pattern names, init containers last, as kubectl goes through them. */
export function chosenContainers({ spec }: PodSpec, pattern = '*'): Chosen[] {
  return (['containers', 'initContainers'] as const).flatMap((list) =>
    objectsOf(spec[list])
      .map((container) => ({ list, name: stringOr(container['name']), container }))
      .filter(({ name }) => isChosen(name, pattern)),
  );
}
