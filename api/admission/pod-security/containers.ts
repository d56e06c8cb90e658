/** The parts of a pod that its security is judged by. */
import { type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { ObjectMeta } from '#api/resources/meta.ts';

export interface PodParts {
  readonly metadata: Partial<ObjectMeta>;
  readonly spec: JsonObject;
}

/** Every container of a pod, of whatever sort: the one list that all checks go through. */
export function allContainers(spec: JsonObject): JsonObject[] {
  return ['initContainers', 'containers', 'ephemeralContainers'].flatMap((field) =>
    objectsOf(spec[field]),
  );
}

export const nameOf = (container: JsonObject): string => stringOr(container['name']);
export const securityOf = (one: JsonObject): JsonObject => objectOr(one['securityContext']);

export const quoted = (names: readonly string[]): string =>
  names.map((name) => JSON.stringify(name)).join(', ');

export const plural = (word: string, count: number): string => (count === 1 ? word : `${word}s`);

/** `container "a"`, `containers "a", "b"`. */
export const containersNamed = (names: readonly string[]): string =>
  `${plural('container', names.length)} ${quoted(names)}`;

/** Why a check fails: the reason in a word, and who. */
export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

export type Check = (pod: PodParts, minor: number) => Violation | undefined;

/** A check that names the containers that fail it. */
export const eachContainer =
  (
    reason: string,
    fails: (container: JsonObject) => boolean,
    detail: (names: readonly string[]) => string,
  ): Check =>
  ({ spec }) => {
    const names = allContainers(spec).filter(fails).map(nameOf);
    return names.length === 0 ? undefined : { reason, detail: detail(names) };
  };

/** A check of the pod's own security context and that of each container. */
export function podAndContainers(
  { spec }: PodParts,
  fails: (security: JsonObject) => boolean,
): string[] {
  const own = fails(securityOf(spec)) ? ['pod'] : [];
  const names = allContainers(spec)
    .filter((one) => fails(securityOf(one)))
    .map(nameOf);
  return names.length === 0 ? own : [...own, containersNamed(names)];
}
