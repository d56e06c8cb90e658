/** What the node tells about its pods, as Event objects: best effort, never in the way of the work. */
import type { Client } from '#api/client/collection.ts';
import type { Pod } from '#api/resources/types.ts';
import { EventRecorder } from '#controller/runtime/events.ts';
import type { Log } from '#controller/runtime/log.ts';

export class PodEvents {
  readonly #recorder: EventRecorder;

  /** kubelet's name stands in the events: describe and dashboards look for it. */
  constructor(client: Client, host: string, log: Log) {
    this.#recorder = new EventRecorder(client, 'kubelet', { host, log });
  }

  /** Something went its normal way. Never throws, never waits. */
  note(pod: Pod, reason: string, message: string, container?: string): void {
    this.#recorder.record(pod, { type: 'Normal', reason, message, ...partOf(pod, container) });
  }

  /** Something went wrong. Never throws, never waits. */
  warn(pod: Pod, reason: string, message: string, container?: string): void {
    this.#recorder.record(pod, { type: 'Warning', reason, message, ...partOf(pod, container) });
  }

  close(): void {
    this.#recorder.close();
  }
}

function partOf(pod: Pod, container: string | undefined): { fieldPath?: string } {
  if (container === undefined) return {};
  const list = (['initContainers', 'ephemeralContainers'] as const).find((field) =>
    pod.spec?.[field]?.some(({ name }) => name === container),
  );
  return { fieldPath: `spec.${list ?? 'containers'}{${container}}` };
}
