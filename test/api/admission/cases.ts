/** Objects to default and to judge, and what is expected to become of them. */
import type { Test } from 'tap';
import { applyDefaults } from '#api/admission/defaults.ts';
import { validateCreate, validateUpdate } from '#api/admission/validate.ts';
import { cloneJson, type JsonObject } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { Kind } from '#api/schema/kind.ts';
import { createKinds } from '#api/schema/kinds.ts';

const kinds = createKinds();
export const kindOf = (apiVersion: string, kind: string): Kind =>
  kinds.ofObject(apiVersion, kind) as Kind;

export const labels = { app: 'x' };
export const containers = [{ name: 'c', image: 'i' }];
export const template = { metadata: { labels }, spec: { containers } };
export const workload = { selector: { matchLabels: labels }, template };
export const jobTemplate = { metadata: { labels }, spec: { containers, restartPolicy: 'Never' } };
export const pod = (container: JsonObject, spec: JsonObject = {}): JsonObject => ({
  spec: { containers: [{ name: 'c', image: 'i', ...container }], ...spec },
});

/** The container as defaulting leaves it. */
export const fullContainer = (image: string, more: JsonObject = {}): JsonObject => ({
  name: 'c',
  image,
  resources: {},
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  imagePullPolicy: 'IfNotPresent',
  ...more,
});

export const fullPodSpec = {
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  securityContext: {},
  schedulerName: 'default-scheduler',
};

/** The object with its defaults; throws unless defaulting is pure and settles at once. */
export function defaulted(apiVersion: string, kind: string, rest: JsonObject): KubeObject {
  const object = { apiVersion, kind, metadata: { name: 'x' }, ...rest } as KubeObject;
  const before = JSON.stringify(object);
  const result = applyDefaults(kindOf(apiVersion, kind), object);
  if (JSON.stringify(object) !== before) throw new Error(`defaulting ${kind} changed its argument`);
  const again = applyDefaults(kindOf(apiVersion, kind), result);
  if (JSON.stringify(again) !== JSON.stringify(result))
    throw new Error(`defaulting ${kind} twice differs`);
  return result;
}

type DefaultCase = [apiVersion: string, kind: string, given: JsonObject, expected: JsonObject];

export function expectDefaults(t: Test, cases: readonly DefaultCase[]): void {
  for (const [apiVersion, kind, given, expected] of cases) {
    const { apiVersion: _1, kind: _2, metadata, ...rest } = defaulted(apiVersion, kind, given);
    t.strictSame({ metadata, ...rest }, { metadata: { name: 'x' }, ...expected }, kind);
  }
}

/** An object as it comes to be judged: named, placed, with its defaults. */
export function make(
  apiVersion: string,
  kind: string,
  rest: JsonObject,
  meta: JsonObject = {},
): KubeObject {
  const of = kindOf(apiVersion, kind);
  const metadata = { name: 'x', ...(of.namespaced ? { namespace: 'default' } : {}), ...meta };
  return applyDefaults(
    of,
    cloneJson({ apiVersion, kind, metadata, ...rest } as unknown as KubeObject),
  );
}

/** `field: message` of every cause. */
export function complaints(
  apiVersion: string,
  kind: string,
  rest: JsonObject,
  meta?: JsonObject,
): string[] {
  const causes = validateCreate(kindOf(apiVersion, kind), make(apiVersion, kind, rest, meta));
  return causes.map((cause) => `${cause.field}: ${cause.message}`);
}

/** Whether the complaint is among those found. */
export const includes = (found: readonly string[], complaint: string | RegExp): boolean =>
  found.some((one) => (typeof complaint === 'string' ? one === complaint : complaint.test(one)));

export type Mistake = [
  apiVersion: string,
  kind: string,
  rest: JsonObject,
  complaint: string | RegExp,
];

export function expectComplaints(t: Test, mistakes: readonly Mistake[]): void {
  for (const [apiVersion, kind, rest, complaint] of mistakes) {
    const found = complaints(apiVersion, kind, rest);
    t.ok(includes(found, complaint), `${kind}: ${complaint}`, { found });
  }
}

/** `field: message` of every cause against the change. */
export function changes(
  apiVersion: string,
  kind: string,
  before: JsonObject,
  after: JsonObject,
): string[] {
  const [old, object] = [make(apiVersion, kind, before), make(apiVersion, kind, after)];
  const causes = validateUpdate(kindOf(apiVersion, kind), object, old);
  return causes.map((cause) => `${cause.field}: ${cause.message}`);
}
