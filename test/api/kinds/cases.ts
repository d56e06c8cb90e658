/** Kinds by name, and objects of them. */
import type { JsonObject } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { Kind } from '#api/schema/kind.ts';
import { createKinds } from '#api/schema/kinds.ts';

const kinds = createKinds();
export const kindOf = (apiVersion: string, kind: string): Kind =>
  kinds.ofObject(apiVersion, kind) as Kind;

export const object = (
  apiVersion: string,
  kind: string,
  rest: JsonObject,
  meta: JsonObject = {},
): KubeObject =>
  ({
    apiVersion,
    kind,
    metadata: { name: 'x', namespace: 'default', ...meta },
    ...rest,
  }) as unknown as KubeObject;
