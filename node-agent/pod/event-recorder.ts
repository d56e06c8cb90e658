/**
 * Events about pods and the node: best effort, after the work they tell of, the same thing counted and not repeated.
 */
import type { Collection } from '#api/client/collection.ts';
import { hasReason } from '#api/resources/status.ts';
import type { Event } from '#api/resources/types.ts';
import { timestamp } from '#controller/runtime/clock.ts';
import type { Log } from '#controller/runtime/log.ts';

/** Events wait this long, so that they do not compete with the start they tell of. */
const delayMs = 250;
/** More than this waiting are dropped: events are news, not records. */
const waitingMax = 500;
/** So many different events are counted before the oldest is forgotten. */
const rememberedMax = 1_000;

export interface Involved {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
  };
}

interface News {
  readonly about: Involved;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly container: string | undefined;
  readonly at: number;
}

interface Known {
  readonly name: string;
  count: number;
}

export interface EventSource {
  readonly component: string;
  readonly host: string;
}

export class EventRecorder {
  readonly #events: Collection<Event>;
  readonly #source: EventSource;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #waiting: News[] = [];
  readonly #known = new Map<string, Known>();
  #timer: NodeJS.Timeout | undefined;
  #serial = 0;

  constructor(events: Collection<Event>, source: EventSource, log: Log, now = Date.now) {
    this.#events = events;
    this.#source = source;
    this.#log = log;
    this.#now = now;
  }

  /** Something went its normal way. Never throws, never waits. */
  note(about: Involved, reason: string, message: string, container?: string): void {
    this.#add({ about, type: 'Normal', reason, message, container, at: this.#now() });
  }

  /** Something went wrong. Never throws, never waits. */
  warn(about: Involved, reason: string, message: string, container?: string): void {
    this.#add({ about, type: 'Warning', reason, message, container, at: this.#now() });
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
  }

  #add(news: News): void {
    if (this.#waiting.length >= waitingMax) return;
    this.#waiting.push(news);
    this.#timer ??= setTimeout(() => void this.#send(), delayMs).unref();
  }

  async #send(): Promise<void> {
    for (let news = this.#waiting.shift(); news !== undefined; news = this.#waiting.shift()) {
      await this.#write(news).catch((error: unknown) =>
        this.#log.warn('event not written', { error }),
      );
    }
    this.#timer = undefined;
  }

  async #write(news: News): Promise<void> {
    const key = JSON.stringify([news.about.metadata.uid, news.reason, news.message, news.container]);
    const known = this.#known.get(key);
    if (known !== undefined && (await this.#countAgain(known, news))) return;
    const event = this.#event(news);
    this.#remember(key, event.metadata.name);
    await this.#events.create(event);
  }

  /** False when the event has expired from the API meanwhile. */
  async #countAgain(known: Known, news: News): Promise<boolean> {
    const ref = { name: known.name, namespace: namespaceOf(news.about) };
    const patch = { count: known.count + 1, lastTimestamp: timestamp(news.at) };
    try {
      await this.#events.patch(ref, patch, 'merge');
      known.count += 1;
      return true;
    } catch (error) {
      if (hasReason(error, 'NotFound')) return false;
      throw error;
    }
  }

  #remember(key: string, name: string): void {
    this.#known.set(key, { name, count: 1 });
    const oldest = this.#known.keys().next().value;
    if (this.#known.size > rememberedMax && oldest !== undefined) this.#known.delete(oldest);
  }

  #event(news: News): Event {
    const { about, type, reason, message, container, at } = news;
    const { name, uid, resourceVersion } = about.metadata;
    const namespace = namespaceOf(about);
    this.#serial += 1;
    // kubelet's way: the object's name and a number that is never given twice.
    const suffix = (BigInt(at) * 1_000_000n + BigInt(this.#serial % 1_000_000)).toString(16);
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name}.${suffix}`, namespace },
      involvedObject: {
        apiVersion: about.apiVersion,
        kind: about.kind,
        name,
        ...(about.metadata.namespace === undefined ? {} : { namespace }),
        ...(uid === undefined ? {} : { uid }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
        ...(container === undefined ? {} : { fieldPath: `spec.containers{${container}}` }),
      },
      type,
      reason,
      message,
      count: 1,
      firstTimestamp: timestamp(at),
      lastTimestamp: timestamp(at),
      source: this.#source,
      reportingComponent: this.#source.component,
      reportingInstance: this.#source.host,
    };
  }
}

const namespaceOf = (about: Involved): string => about.metadata.namespace ?? 'default';
