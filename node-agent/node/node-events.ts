/** What the node tells about itself, as Event objects in kubelet's words. Best effort, never in the way of the work. */
import type { Client } from '#api/client/collection.ts';
import type { Node, NodeCondition } from '#api/resources/types.ts';
import { EventRecorder } from '#controller/runtime/events.ts';
import type { Log } from '#controller/runtime/log.ts';

export class NodeEvents {
  readonly #recorder: EventRecorder;
  readonly #node: Node;

  /** As kubelet's, its events carry the node's name for a uid: it may tell before its Node is there. */
  constructor(client: Client, nodeName: string, log: Log) {
    this.#recorder = new EventRecorder(client, 'kubelet', { host: nodeName, log });
    const metadata = { name: nodeName, uid: nodeName };
    this.#node = { apiVersion: 'v1', kind: 'Node', metadata };
  }

  /** A threshold is met: something of `resource` has to be freed. */
  thresholdMet(resource: string): void {
    const message = `Attempting to reclaim ${resource}`;
    this.#recorder.record(this.#node, { type: 'Warning', reason: 'EvictionThresholdMet', message });
  }

  /** Tells each condition that is another than before. */
  conditionsChanged(before: readonly NodeCondition[], after: readonly NodeCondition[]): void {
    const { name } = this.#node.metadata;
    for (const { type, status } of after) {
      const reason = reasons[type]?.[status === 'True' ? 0 : 1];
      const was = before.find((one) => one.type === type)?.status;
      if (reason === undefined || was === status) continue;
      const message = `Node ${name} status is now: ${reason}`;
      this.#recorder.record(this.#node, { type: 'Normal', reason, message });
    }
  }

  close(): void {
    this.#recorder.close();
  }
}

/** By condition: when it holds, and when it does not. */
const reasons: Readonly<Record<string, readonly [string, string]>> = {
  MemoryPressure: ['NodeHasInsufficientMemory', 'NodeHasSufficientMemory'],
  DiskPressure: ['NodeHasDiskPressure', 'NodeHasNoDiskPressure'],
  PIDPressure: ['NodeHasInsufficientPID', 'NodeHasSufficientPID'],
  Ready: ['NodeReady', 'NodeNotReady'],
};
