/** What the parts of `bay rollout` share of workloads. */
import { numberOr, objectOr, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { Found } from '../documents/select.ts';

/** Whether it is this kind of `apps`. */
export const isKind = ({ type }: Found, ...kinds: readonly string[]): boolean =>
  type.group === 'apps' && kinds.includes(type.kind);

/** What kubectl says of a change that cannot be: `deployments.apps "web" is not paused`. */
export const refusal = ({ type, name }: Found, why: string): Error =>
  new Error(`${[type.plural, type.group].filter(Boolean).join('.')} "${name}" ${why}`);

export const notSupported = (found: Found, action: string): Error =>
  refusal(found, `${action} is not supported`);

export const specOf = (object: KubeObject) => objectOr(object['spec']);
export const statusOf = (object: KubeObject) => objectOr(object['status']);

/** A number below the status, or below the spec. */
export const countIn = (part: unknown, field: string): number => numberOr(objectOr(part)[field]);

export const annotationOf = ({ metadata }: KubeObject, key: string): string =>
  metadata.annotations?.[key] ?? '';

export const textIn = (part: unknown, field: string): string => stringOr(objectOr(part)[field]);
