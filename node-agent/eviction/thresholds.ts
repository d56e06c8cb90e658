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
  readonly least: { readonly amount: number } | { readonly share: number };
}

/** A threshold that is met, with the figures of that moment. */
export interface Shortage {
  readonly resource: Resource;
  readonly least: number;
  readonly available: number;
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
 * The thresholds of a configuration's `evictionHard`; a signal that it does not name keeps its default, 0 turns it off.
 * @throws Error naming the wrong signal or amount
 */
export function thresholdsOf(evictionHard: Readonly<Record<string, string>> = {}): Threshold[] {
  const unknown = Object.keys(evictionHard).filter((name) => !Object.hasOwn(signals, name));
  if (unknown.length > 0) {
    const known = Object.keys(signals).join(', ');
    throw new Error(`evictionHard: ${unknown.join(', ')}: no such signal; there are ${known}`);
  }
  const wanted: Readonly<Record<string, string>> = { ...usual, ...evictionHard };
  return Object.entries(signals).map(([name, [resource, signal]]) => ({
    resource,
    signal,
    least: parseLeast(name, wanted[name] ?? '0'),
  }));
}

function parseLeast(name: string, text: string): Threshold['least'] {
  const wrong = `evictionHard: ${name}: "${text}" is neither an amount such as 100Mi nor a share such as 10%`;
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

/** The thresholds that are met. */
export function shortages(thresholds: readonly Threshold[], now: Signals): Shortage[] {
  return thresholds.flatMap(({ resource, signal, least: wanted }) => {
    const { available, capacity } = now[signal];
    const least = 'amount' in wanted ? wanted.amount : Math.floor(capacity * wanted.share);
    return capacity > 0 && available < least ? [{ resource, least, available }] : [];
  });
}
