/** core/v1 Event ⇄ events.k8s.io/v1 Event: one object under two sets of names (`core/v1/conversion.go`). */
import type { KubeObject } from '#api/resources/meta.ts';

/** [core/v1, events.k8s.io/v1] */
const RENAMED: readonly (readonly [string, string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['reportingComponent', 'reportingController'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
];

function renamed(
  event: KubeObject,
  apiVersion: string,
  names: ReadonlyMap<string, string>,
): KubeObject {
  const entries = Object.entries(event).map(([name, value]) => [names.get(name) ?? name, value]);
  return { ...(Object.fromEntries(entries) as KubeObject), apiVersion };
}

const TO_CORE = new Map(RENAMED.map(([core, event]) => [event, core]));
const FROM_CORE = new Map(RENAMED);

/** events.k8s.io/v1 → core/v1. */
export function eventToCore(event: KubeObject): KubeObject {
  return renamed(event, 'v1', TO_CORE);
}

/** core/v1 → events.k8s.io/v1: its clients always find a `regarding` and an `eventTime`. */
export function eventFromCore(event: KubeObject): KubeObject {
  const converted = renamed(event, 'events.k8s.io/v1', FROM_CORE);
  return { regarding: {}, eventTime: null, ...converted };
}
