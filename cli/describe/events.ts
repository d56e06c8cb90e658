/** What happened to an object, as the last part of its description. */
import type { RemoteClient } from '#api/client/client.ts';
import { humanAge } from '#api/resources/duration.ts';
import { objectOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { events } from '#api/resources/resource-types.ts';
import type { Writer } from './writer.ts';

export type EventObject = KubeObject & {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
};

/** When the event was last seen. */
export function lastSeen(event: EventObject): string {
  const { lastObservedTime } = objectOr(event['series']);
  return String(
    lastObservedTime ?? event.lastTimestamp ?? event.firstTimestamp ?? event.eventTime ?? '',
  );
}

/** Oldest first. */
export async function eventsOf(client: RemoteClient, object: KubeObject): Promise<EventObject[]> {
  const { name, namespace, uid } = object.metadata;
  const fields = [`involvedObject.name=${name}`];
  if (uid !== undefined && object.kind !== 'Node') fields.push(`involvedObject.uid=${uid}`);
  if (object.kind === 'Node') fields.push('involvedObject.kind=Node');
  const { items } = await client.collection<EventObject>(events).list({
    ...(namespace === undefined ? {} : { namespace }),
    fieldSelector: fields.join(','),
  });
  return [...items].sort((a, b) => (lastSeen(a) < lastSeen(b) ? -1 : 1));
}

const ageNow = (time: unknown): string => humanAge(time, new Date());

/** How long ago, and how often over which time. */
export function interval(event: EventObject): string {
  const first = event.firstTimestamp ?? event.eventTime;
  const series = objectOr(event['series']);
  const count = typeof series['count'] === 'number' ? series['count'] : (event.count ?? 1);
  if (count <= 1) return ageNow(first);
  return `${ageNow(lastSeen(event))} (x${count} over ${ageNow(first)})`;
}

const sourceOf = (event: EventObject): string =>
  String(objectOr(event['source'])['component'] || event['reportingComponent'] || '');

export function describeEvents(out: Writer, found: readonly EventObject[]): void {
  if (found.length === 0) {
    out.line(0, 'Events:\t<none>');
    return;
  }
  out.line(0, 'Events:');
  out.line(1, 'Type\tReason\tAge\tFrom\tMessage');
  out.line(1, '----\t------\t----\t----\t-------');
  for (const event of found) {
    const cells = [
      event.type,
      event.reason,
      interval(event),
      sourceOf(event),
      event.message?.trim(),
    ];
    out.line(1, cells.map((cell) => cell ?? '').join('\t'));
  }
}
