/** Snapshots that are taken over and over: each is a Snapshot of its own, made of the one with a schedule. Pure. */
import { ownerReferenceTo } from '#api/resources/meta.ts';
import type { Snapshot } from './types.ts';

export const ofLabel = 'bayplan.dev/snapshot-of';

export interface Schedule {
  readonly create?: Snapshot;
  /** More than are kept, the oldest. */
  readonly remove: readonly Snapshot[];
  /** When it is the next one's turn. */
  readonly waitMs: number;
}

const compact = (ms: number): string => new Date(ms).toISOString().replaceAll(/[-:]|\.\d+Z/g, '');

/** `web:daily` at some time is `web:daily-20260101T000000`. */
export function imageAt(image: string, ms: number): string {
  const isTagged = /:[^/]*$/.test(image);
  return `${isTagged ? image : `${image}:snapshot`}-${compact(ms)}`;
}

/** The one that is due. Its name tells its time, so that it is never made twice. */
function due(parent: Snapshot, everySeconds: number, nowMs: number): { at: number; next: number } {
  const begin = Date.parse(parent.metadata.creationTimestamp ?? '') || nowMs;
  const step = everySeconds * 1000;
  const at = begin + Math.floor((nowMs - begin) / step) * step;
  return { at, next: at + step };
}

/** Times that went by while nobody looked are passed over: a snapshot is of its moment. */
export function schedule(parent: Snapshot, children: readonly Snapshot[], nowMs: number): Schedule {
  const { everySeconds = 0, keep } = parent.spec.schedule ?? {};
  const { at, next } = due(parent, everySeconds, nowMs);
  const { schedule: _, ...spec } = parent.spec;
  const name = `${parent.metadata.name}-${compact(at).toLowerCase()}`;
  const { namespace } = parent.metadata;
  const isThere = children.some(({ metadata }) => metadata.name === name);
  const alive = children.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const oldestFirst = [...alive].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const more = keep === undefined ? 0 : alive.length + (isThere ? 0 : 1) - keep;
  return {
    ...(isThere
      ? {}
      : {
          create: {
            apiVersion: parent.apiVersion,
            kind: parent.kind,
            metadata: {
              name,
              ...(namespace === undefined ? {} : { namespace }),
              labels: { [ofLabel]: parent.metadata.name },
              ownerReferences: [ownerReferenceTo(parent)],
            },
            spec: { ...spec, image: imageAt(parent.spec.image, at) },
          } as Snapshot,
        }),
    remove: more > 0 ? oldestFirst.filter((one) => one.metadata.name !== name).slice(0, more) : [],
    waitMs: Math.max(1, next - nowMs),
  };
}
