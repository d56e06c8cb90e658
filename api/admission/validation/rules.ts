/** Which functions judge which kind. */
import type { KubeObject, ResourceType } from '#api/resources/meta.ts';
import type { StatusCause } from '#api/resources/status.ts';

export interface Rules {
  /** Judges a whole object, whether created or updated. */
  readonly create?: (object: KubeObject) => StatusCause[];
  /** Judges the change alone. */
  readonly update?: (object: KubeObject, old: KubeObject) => StatusCause[];
}

/** By `group/Kind`. */
const RULES: Readonly<Record<string, Rules>> = {};

const NONE: Rules = {};

/** The kind's rules; custom kinds have those of their schema alone. */
export function rulesOf(kind: ResourceType & { readonly custom?: unknown }): Rules {
  return kind.custom === undefined ? (RULES[`${kind.group}/${kind.kind}`] ?? NONE) : NONE;
}
