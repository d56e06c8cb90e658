/**
 * Tells people what happened, as Event objects. Best effort: events are sent a little later, one at a time, and dropped
 * when the API will not have them. The same event again counts up the one that is there.
 */
import { createHash } from 'node:crypto';
import type { ApiObject, Client } from '#api/client/collection.ts';
import { events } from '#api/resources/resource-types.ts';
import type { Event } from '#api/resources/types.ts';
import { type Clock, systemClock, type Timer, timestamp } from './clock.ts';
import { type Log, silent } from './log.ts';

export interface Happening {
  readonly type: 'Normal' | 'Warning';
  /** One word in CamelCase: `Scheduled`, `FailedScheduling`. */
  readonly reason: string;
  readonly message: string;
  /** Which part of the object: `spec.containers{web}`. */
  readonly fieldPath?: string;
}

interface Known {
  readonly name: string;
  readonly namespace: string;
  count: number;
  lastMs: number;
}

interface Pending {
  readonly about: ApiObject;
  readonly what: Happening;
  readonly key: string;
}

/** What is happening is more urgent than telling of it: containers start in this time. */
const delayMs = 200;
/** The same event within this time is counted, not told anew (client-go's aggregator: 10 minutes). */
const sameMs = 600_000;
/** Different messages about one object within `sameMs` (client-go's spam filter lets 25 through). */
const perObject = 25;
const knownMax = 1_024;
const pendingMax = 1_024;

export class EventRecorder {
  readonly #client: Client;
  readonly #component: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #host: string | undefined;
  /** By what happened to whom; the least recent first. */
  readonly #known = new Map<string, Known>();
  #pending: Pending[] = [];
  #timer: Timer | undefined;
  #closed = false;

  /** `host`: the node it runs on, for what runs on every node. */
  constructor(
    client: Client,
    component: string,
    options: { clock?: Clock; log?: Log; host?: string } = {},
  ) {
    this.#client = client;
    this.#component = component;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silent;
    this.#host = options.host;
  }

  /** Tells that `what` happened to the object. Returns at once. */
  record(about: ApiObject, what: Happening): void {
    if (this.#closed || this.#pending.length >= pendingMax) return;
    const { type, reason, message, fieldPath = '' } = what;
    const key = [about.metadata.uid, type, reason, fieldPath, message].join('\n');
    this.#pending.push({ about, what, key });
    this.#timer ??= this.#clock.setTimeout(() => void this.#send(), delayMs);
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#pending = [];
  }

  async #send(): Promise<void> {
    while (!this.#closed) {
      const next = this.#pending.shift();
      if (next === undefined) break;
      try {
        await this.#tell(next);
      } catch (error) {
        this.#known.delete(next.key);
        this.#log.debug('event was not recorded', { reason: next.what.reason, error });
      }
    }
    this.#timer = undefined;
  }

  async #tell({ about, what, key }: Pending): Promise<void> {
    const known = this.#recent(key);
    if (known !== undefined) return this.#count(known);
    if (this.#told(about) >= perObject) return;
    const event = this.#event(about, what, key);
    const { name, namespace = 'default' } = event.metadata;
    this.#known.set(key, { name, namespace, count: 1, lastMs: this.#clock.now() });
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= knownMax) break;
      this.#known.delete(oldest);
    }
    await this.#client.collection<Event>(events).create(event);
  }

  #recent(key: string): Known | undefined {
    const known = this.#known.get(key);
    if (known === undefined || this.#clock.now() - known.lastMs > sameMs) return undefined;
    return known;
  }

  /** How many different events about the object are fresh. */
  #told(about: ApiObject): number {
    const prefix = `${about.metadata.uid}\n`;
    const since = this.#clock.now() - sameMs;
    let told = 0;
    for (const [key, { lastMs }] of this.#known) {
      if (key.startsWith(prefix) && lastMs > since) told += 1;
    }
    return told;
  }

  async #count(known: Known): Promise<void> {
    known.count += 1;
    known.lastMs = this.#clock.now();
    const patch = { count: known.count, lastTimestamp: timestamp(known.lastMs) };
    await this.#client.collection<Event>(events).patch(known, patch, 'merge');
  }

  #event(about: ApiObject, what: Happening, key: string): Event {
    const { name, namespace, uid, resourceVersion } = about.metadata;
    const now = timestamp(this.#clock.now());
    const suffix = createHash('sha256').update(`${key}\n${now}`).digest('hex').slice(0, 16);
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name}.${suffix}`, namespace: namespace ?? 'default' },
      involvedObject: {
        apiVersion: about.apiVersion,
        kind: about.kind,
        name,
        ...(namespace === undefined ? {} : { namespace }),
        ...(uid === undefined ? {} : { uid }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
        ...(what.fieldPath === undefined ? {} : { fieldPath: what.fieldPath }),
      },
      type: what.type,
      reason: what.reason,
      message: what.message.slice(0, 1_024),
      source: {
        component: this.#component,
        ...(this.#host === undefined ? {} : { host: this.#host }),
      },
      reportingComponent: this.#component,
      reportingInstance: this.#host ?? '',
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    };
  }
}
