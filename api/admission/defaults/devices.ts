/** Defaults of resource.k8s.io: a request that does not say how many wants one (`apis/resource/v1/defaults.go`). */
import { type JsonObject, objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { isUnset } from './fill.ts';

function countOne(wanted: JsonObject): void {
  if (isUnset(wanted['allocationMode'])) wanted['allocationMode'] = 'ExactCount';
  const hasCount = typeof wanted['count'] === 'number' && wanted['count'] !== 0;
  if (wanted['allocationMode'] === 'ExactCount' && !hasCount) wanted['count'] = 1;
}

function defaultRequests(spec: JsonObject): void {
  for (const request of objectsOf(objectOr(spec['devices'])['requests'])) {
    for (const wanted of [request['exactly'], ...objectsOf(request['firstAvailable'])]) {
      if (wanted !== undefined && wanted !== null) countOne(objectOr(wanted));
    }
  }
}

export const defaultClaim = (claim: KubeObject): void => defaultRequests(objectOr(claim['spec']));

export const defaultClaimTemplate = (template: KubeObject): void =>
  defaultRequests(objectOr(objectOr(template['spec'])['spec']));
