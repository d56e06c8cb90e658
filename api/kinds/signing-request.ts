/** What the server sees to in a CertificateSigningRequest: who asked, and who may change which part. */
import { cloneJson, equalJson, type JsonObject, objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';

/** Who asked, as the request keeps it. */
export interface Requester {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** Kinds of conditions that only `/approval` sets. */
export const verdicts: ReadonlySet<unknown> = new Set(['Approved', 'Denied']);

const conditionsOf = (object: KubeObject): readonly JsonObject[] =>
  objectsOf(objectOr(object['status'])['conditions']);

/** The client does not say who it is. */
export function createSigningRequest(
  request: KubeObject,
  _now: Date,
  user: Requester | undefined,
): void {
  const { username: _1, uid: _2, groups: _3, extra: _4, ...spec } = objectOr(request['spec']);
  const { name, groups, uid, extra } = user ?? { name: '', groups: [] };
  request['spec'] = {
    ...spec,
    ...(extra === undefined ? {} : { extra: cloneJson(extra) }),
    groups: [...groups],
    ...(uid === undefined ? {} : { uid }),
    username: name,
  };
  request['status'] = {};
}

/** Nothing of it can be changed but metadata. */
export function updateSigningRequest(request: KubeObject, old: KubeObject): void {
  request['spec'] = cloneJson(old['spec']);
}

/** A status is the signer's: what was decided stays as it was. */
export function updateSigningStatus(request: KubeObject, old: KubeObject): void {
  const before = conditionsOf(old);
  const conditions = conditionsOf(request).map((one) =>
    verdicts.has(one['type']) ? (before.find(({ type }) => type === one['type']) ?? one) : one,
  );
  setConditions(request, conditions, before);
}

/** An approval is conditions and nothing else. */
export function approvedRequest(request: KubeObject, old: KubeObject): KubeObject {
  const next = cloneJson(old);
  next['status'] = objectOr(next['status']);
  setConditions(next, cloneJson(conditionsOf(request)), conditionsOf(old));
  return next;
}

/** Times that are not given are those of now, or of the same condition as it was. */
function setConditions(
  request: KubeObject,
  conditions: readonly JsonObject[],
  before: readonly JsonObject[],
): void {
  const now = `${new Date().toISOString().slice(0, 19)}Z`;
  const timed = conditions.map((one) => {
    const old = before.find(({ type }) => type === one['type']);
    const unchanged = old !== undefined && equalJson({ ...old, ...one }, old);
    const sameState = old?.['status'] === one['status'];
    return {
      ...one,
      lastUpdateTime: one['lastUpdateTime'] ?? (unchanged ? old['lastUpdateTime'] : now),
      lastTransitionTime:
        one['lastTransitionTime'] ?? ((sameState && old?.['lastTransitionTime']) || now),
    };
  });
  const status = objectOr(request['status']);
  if (timed.length > 0) request['status'] = { ...status, conditions: timed };
  else delete status['conditions'];
}
