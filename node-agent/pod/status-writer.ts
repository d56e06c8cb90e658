/**
 * Writes pods' statuses beside the work, never in its way: per pod only the newest waits, a status that says nothing
 * new is not written, and a failed write is tried again.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Collection } from '#api/client/collection.ts';
import { hasReason } from '#api/resources/status.ts';
import type { Pod, PodStatus } from '#api/resources/types.ts';
import type { Log } from '#controller/runtime/log.ts';

/** Writes under way at once: enough to hide the round trip, too few to crowd out what starts containers. */
const concurrency = 4;
const firstRetryMs = 200;
const longestRetryMs = 5_000;

/** Fields that a status may lose again. */
const absent = { reason: null, message: null, podIP: null, podIPs: null } as const;

interface Entry {
  readonly pod: Pod;
  wanted: PodStatus | undefined;
  sending: PodStatus | undefined;
  sent: PodStatus | undefined;
  /** The pod's status as the API answered our last write, and at which version. */
  reply: { readonly status: PodStatus | undefined; readonly version: number } | undefined;
  failures: number;
  idle: PromiseWithResolvers<void>;
}

export class StatusWriter {
  readonly #pods: Collection<Pod>;
  readonly #log: Log;
  readonly #entries = new Map<string, Entry>();
  readonly #ready: string[] = [];
  #running = 0;
  #closed = false;

  constructor(pods: Collection<Pod>, log: Log) {
    this.#pods = pods;
    this.#log = log;
  }

  /** Has `status` written soon, unless the API has it already. `pod` is the pod as last seen from the API. */
  offer(pod: Pod, status: PodStatus): void {
    const uid = pod.metadata.uid ?? '';
    const entry = this.#entries.get(uid) ?? newEntry(pod);
    if (!isNews(entry, pod, status)) return;
    this.#entries.set(uid, entry);
    if (entry.wanted === undefined && entry.sending === undefined) {
      entry.idle = Promise.withResolvers<void>();
      this.#enqueue(uid);
    }
    entry.wanted = status;
  }

  /** Resolves when what was offered is written, or the API has no such pod any more. */
  async flush(uid: string): Promise<void> {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    while (entry.wanted !== undefined || entry.sending !== undefined) await entry.idle.promise;
  }

  /** The pod is gone: what waits is dropped. */
  forget(uid: string): void {
    const entry = this.#entries.get(uid);
    this.#entries.delete(uid);
    if (entry === undefined) return;
    entry.wanted = undefined;
    entry.sending = undefined;
    entry.idle.resolve();
  }

  close(): void {
    this.#closed = true;
  }

  #enqueue(uid: string): void {
    this.#ready.push(uid);
    setImmediate(() => this.#pump());
  }

  #pump(): void {
    while (this.#running < concurrency && !this.#closed) {
      const uid = this.#ready.shift();
      if (uid === undefined) return;
      const entry = this.#entries.get(uid);
      if (entry?.wanted === undefined) continue;
      this.#running += 1;
      void this.#write(uid, entry).finally(() => {
        this.#running -= 1;
        this.#pump();
      });
    }
  }

  async #write(uid: string, entry: Entry): Promise<void> {
    const status = entry.wanted;
    entry.sending = status;
    entry.wanted = undefined;
    try {
      const { namespace, name } = entry.pod.metadata;
      const place = namespace === undefined ? { name } : { name, namespace };
      const patch = { metadata: { uid }, status: { ...absent, ...status } };
      // A merge patch replaces lists as a whole: a strategic one would keep what a condition or an address list lost.
      const reply = await this.#pods.patchStatus(place, patch, 'merge');
      entry.reply = { status: reply.status, version: versionOf(reply) };
      entry.sent = status;
      entry.failures = 0;
    } catch (error) {
      this.#failed(uid, entry, status, error);
    }
    entry.sending = undefined;
    if (entry.wanted === undefined) entry.idle.resolve();
    else if (entry.failures === 0) this.#enqueue(uid);
  }

  #failed(uid: string, entry: Entry, status: PodStatus | undefined, error: unknown): void {
    if (hasReason(error, 'NotFound') || hasReason(error, 'Conflict')) {
      entry.wanted = undefined;
      return;
    }
    if (this.#entries.get(uid) !== entry) return;
    entry.wanted ??= status;
    entry.failures += 1;
    const retryMs = Math.min(firstRetryMs * 2 ** (entry.failures - 1), longestRetryMs);
    this.#log.warn('pod status not written', { uid, retryMs, error });
    setTimeout(() => this.#enqueue(uid), retryMs).unref();
  }
}

function newEntry(pod: Pod): Entry {
  return {
    pod,
    wanted: undefined,
    sending: undefined,
    sent: undefined,
    reply: undefined,
    failures: 0,
    idle: Promise.withResolvers<void>(),
  };
}

const versionOf = (pod: Pod): number => Number(pod.metadata.resourceVersion ?? 0);

/** Whether the API does not have `status` yet, as far as is known, or somebody wrote over it since. */
function isNews(entry: Entry, pod: Pod, status: PodStatus): boolean {
  const last = entry.wanted ?? entry.sending ?? entry.sent;
  if (last === undefined) return !isDeepStrictEqual(status, pod.status);
  if (!isDeepStrictEqual(status, last)) return true;
  const { reply } = entry;
  if (reply === undefined || entry.sending !== undefined) return false;
  return versionOf(pod) > reply.version && !isDeepStrictEqual(pod.status, reply.status);
}
