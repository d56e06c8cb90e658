/** Kinds that are served in two forms and stored in one: each write and read goes through here. */
import type { KubeObject } from '#api/resources/meta.ts';
import { apiVersionOf } from '#api/resources/meta.ts';
import type { Kind } from '../schema/kind.ts';
import { autoscalerToV1, autoscalerToV2 } from './convert-autoscaler.ts';
import { eventFromCore, eventToCore } from './convert-event.ts';

type Conversion = (object: KubeObject) => KubeObject;

/** By the `apiVersion` and kind of both sides. */
const CONVERSIONS: Readonly<Record<string, Conversion>> = {
  'events.k8s.io/v1 Event v1': eventToCore,
  'v1 Event events.k8s.io/v1': eventFromCore,
  'autoscaling/v1 HorizontalPodAutoscaler autoscaling/v2': autoscalerToV2,
  'autoscaling/v2 HorizontalPodAutoscaler autoscaling/v1': autoscalerToV1,
};

/**
 * The object in another `apiVersion` of its kind. Versions without a conversion of their own differ in nothing but
 * the `apiVersion` (custom kinds with the strategy `None`). The object passed in is not changed.
 */
export function convertTo(object: KubeObject, apiVersion: string): KubeObject {
  if (object.apiVersion === apiVersion) return object;
  const conversion = CONVERSIONS[`${object.apiVersion} ${object.kind} ${apiVersion}`];
  return conversion === undefined ? { ...object, apiVersion } : conversion(object);
}

/** Whether a kind's stored form differs in more than its `apiVersion`: then stored bytes cannot be served as they are. */
export function needsConversion(kind: Kind): boolean {
  return `${apiVersionOf(kind)} ${kind.kind} ${kind.storageApiVersion}` in CONVERSIONS;
}

/** `convertTo` between two kinds of the registry. */
export function convert(object: KubeObject, fromKind: Kind, toKind: Kind): KubeObject {
  const from = apiVersionOf(fromKind);
  const typed = object.apiVersion === from ? object : { ...object, apiVersion: from };
  return convertTo(typed, apiVersionOf(toKind));
}
