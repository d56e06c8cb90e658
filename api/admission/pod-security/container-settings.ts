/** Pod security of what a Container asks for beyond its Pod's fields: its controller writes it into an annotation. */
import { type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import { type Check, type PodParts, plural, quoted } from './containers.ts';

/** What a Container's document says that a Pod has no field for (`controller/container/settings.ts`). */
export function settingsOf({ metadata }: PodParts): JsonObject {
  try {
    return objectOr(JSON.parse(metadata.annotations?.['bayplan.dev/settings'] ?? '{}'));
  } catch {
    // No node takes it either.
    return {};
  }
}

/** A device of the node is as good as a path of it. */
export const devices: Check = (pod) => {
  const sources = objectsOf(settingsOf(pod)['devices']).map(({ source }) => stringOr(source));
  if (sources.length === 0) return undefined;
  return {
    reason: 'host devices',
    detail: `${plural('device', sources.length)} ${quoted(sources)}`,
  };
};

/** As a Pod's `procMount`. */
export const unmasked: Check = (pod) =>
  settingsOf(pod)['unmasked'] === true
    ? { reason: 'procMount', detail: 'unmasked=true' }
    : undefined;
