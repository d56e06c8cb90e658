/** What the machine has left, and below which amounts pods have to go. Pure. */
import { InvalidQuantity, value } from '#api/resources/quantity.ts';

export interface Amount {
  readonly available: number;
  /** 0: this machine does not count it. */
  readonly capacity: number;
}

export interface Signals {
  readonly memory: Amount;
  /** Bytes and inodes of the file system that holds the data directory: pods, logs and images. */
  readonly disk: Amount;
  readonly inodes: Amount;
  readonly pids: Amount;
}

/** As events and messages name them. */
export type Resource = 'memory' | 'ephemeral-storage' | 'inodes';

export interface Threshold {
  readonly resource: Resource;
  readonly signal: 'memory' | 'disk' | 'inodes';
  /** An amount, or a share of the capacity. */
  readonly least: Least;
  /** So long it has to last until pods go: a soft threshold. 0: a hard one. */
  readonly graceMs: number;
  /** Once pods go for it, so much more than `least` has to be there again. */
  readonly reclaim: Least;
}

type Least = { readonly amount: number } | { readonly share: number };

type Settings = Readonly<Record<string, string>>;

/** By kubelet's names, each by signal. */
export interface EvictionSettings {
  readonly evictionHard?: Settings;
  readonly evictionSoft?: Settings;
  /** How long each soft threshold has to last, as `1m30s`. */
  readonly evictionSoftGracePeriod?: Settings;
  readonly evictionMinimumReclaim?: Settings;
  /** Seconds. */
  readonly evictionMaxPodGracePeriod?: number;
}

/** A threshold that is met, with the figures of that moment. */
export interface Shortage {
  readonly resource: Resource;
  readonly least: number;
  readonly available: number;
  /** Of a soft threshold: pods that go for it have time to end. */
  readonly isSoft: boolean;
}

/** In the order in which they are acted upon: memory first. */
const signals = {
  'memory.available': ['memory', 'memory'],
  'nodefs.available': ['ephemeral-storage', 'disk'],
  'nodefs.inodesFree': ['inodes', 'inodes'],
} as const;

type SignalName = keyof typeof signals;

/** kubelet's (pkg/kubelet/apis/config/v1beta1/defaults_linux.go). */
const usual: Readonly<Record<SignalName, string>> = {
  'memory.available': '100Mi',
  'nodefs.available': '10%',
  'nodefs.inodesFree': '5%',
};

/**
 * The thresholds of a configuration. A hard one that it does not name keeps its default, 0 turns it off; a soft one needs how
 * long it has to last. Hard ones come before soft ones of the same signal. @throws Error naming the wrong setting
 */
export function thresholdsOf(settings: EvictionSettings = {}): Threshold[] {
  const { evictionHard = {}, evictionSoft = {}, evictionMinimumReclaim = {} } = settings;
  const { evictionSoftGracePeriod = {} } = settings;
  const given = { evictionHard, evictionSoft, evictionSoftGracePeriod, evictionMinimumReclaim };
  for (const [field, named] of Object.entries(given)) refuseUnknown(field, named);
  const alone = Object.keys(evictionSoftGracePeriod).find((name) => !(name in evictionSoft));
  if (alone !== undefined) {
    throw new Error(`evictionSoftGracePeriod: ${alone}: evictionSoft has no threshold for it`);
  }
  const hard: Settings = { ...usual, ...evictionHard };
  return Object.entries(signals).flatMap(([name, [resource, signal]]) => {
    const reclaim = parseLeast('evictionMinimumReclaim', name, evictionMinimumReclaim[name] ?? '0');
    const of = { resource, signal, reclaim };
    const least = parseLeast('evictionHard', name, hard[name] ?? '0');
    const soft = evictionSoft[name];
    if (soft === undefined) return [{ ...of, least, graceMs: 0 }];
    const graceMs = parseGrace(name, evictionSoftGracePeriod[name]);
    return [
      { ...of, least, graceMs: 0 },
      { ...of, least: parseLeast('evictionSoft', name, soft), graceMs },
    ];
  });
}

/** How long pods have to end at most that go for a soft threshold, in seconds. @throws Error naming the setting */
export function maxPodGraceOf({
  evictionMaxPodGracePeriod: seconds = 0,
}: EvictionSettings): number {
  if (Number.isInteger(seconds) && seconds >= 0) return seconds;
  throw new Error(`evictionMaxPodGracePeriod: ${seconds}: is no whole number of seconds from 0 on`);
}

function refuseUnknown(field: string, named: Settings): void {
  const unknown = Object.keys(named).filter((name) => !Object.hasOwn(signals, name));
  if (unknown.length === 0) return;
  const known = Object.keys(signals).join(', ');
  throw new Error(`${field}: ${unknown.join(', ')}: no such signal; there are ${known}`);
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Go's form of a time span. */
function parseGrace(name: string, text: string | undefined): number {
  if (text === undefined) {
    throw new Error(
      `evictionSoft: ${name}: evictionSoftGracePeriod does not say how long it has to last, as 1m30s`,
    );
  }
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  const total = parts.reduce((sum, [, n, unit = '']) => sum + Number(n) * (unitsMs[unit] ?? 0), 0);
  if (parts.map(([part]) => part).join('') === text && total > 0) return total;
  throw new Error(`evictionSoftGracePeriod: ${name}: "${text}" is no time span above 0, as 1m30s`);
}

function parseLeast(field: string, name: string, text: string): Least {
  const wrong = `${field}: ${name}: "${text}" is neither an amount such as 100Mi nor a share such as 10%`;
  if (text.endsWith('%')) {
    const percent = Number(text.slice(0, -1).trim() || Number.NaN);
    if (!(percent >= 0 && percent <= 100)) throw new Error(wrong);
    return { share: percent / 100 };
  }
  try {
    const amount = value(text);
    if (amount >= 0) return { amount };
  } catch (cause) {
    if (!(cause instanceof InvalidQuantity)) throw cause;
  }
  throw new Error(wrong);
}

const amountOf = (least: Least, capacity: number): number =>
  'amount' in least ? least.amount : Math.floor(capacity * least.share);

/**
 * What is short by a threshold; undefined: nothing. `isReclaiming`: pods go for it already, and it ends only when the minimum
 * to reclaim is there, too.
 */
export function shortageOf(
  { resource, signal, least: wanted, reclaim, graceMs }: Threshold,
  now: Signals,
  isReclaiming: boolean,
): Shortage | undefined {
  const { available, capacity } = now[signal];
  const least = amountOf(wanted, capacity);
  const more = isReclaiming ? amountOf(reclaim, capacity) : 0;
  if (capacity === 0 || available >= least + more) return undefined;
  return { resource, least, available, isSoft: graceMs > 0 };
}
