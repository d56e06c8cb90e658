/**
 * Asks the agents what they count. Nobody is asked while nobody wants to know: the first question takes two samples a
 * second apart, later ones go on from the last.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type NodeUsage, type Sample, usageBetween } from './usage.ts';

/** One node's sample. Rejects for a node that does not answer. */
export type TakeSample = (node: string) => Promise<Sample>;

export interface SamplerOptions {
  readonly nodes: () => readonly string[];
  readonly take: TakeSample;
  readonly now?: () => number;
  readonly wait?: (ms: number) => Promise<unknown>;
}

/** A rate over less says little. */
const windowMsMin = 1000;
/** Younger answers are given again. */
const freshMs = 5000;
/** A rate over more than this says what was, not what is. */
const oldMs = 120_000;

export class Sampler {
  readonly #options: SamplerOptions;
  /** By node. */
  #last = new Map<string, Sample>();
  #answer: { readonly timeMs: number; readonly usage: readonly NodeUsage[] } | undefined;
  #running: Promise<readonly NodeUsage[]> | undefined;

  constructor(options: SamplerOptions) {
    this.#options = options;
  }

  /** What all nodes that answer use now. Those who ask at the same time share one answer. */
  usage(): Promise<readonly NodeUsage[]> {
    const answer = this.#answer;
    if (answer !== undefined && this.#now() - answer.timeMs < freshMs) {
      return Promise.resolve(answer.usage);
    }
    this.#running ??= this.#measure().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  async #measure(): Promise<readonly NodeUsage[]> {
    const { nodes, wait = sleep } = this.#options;
    const names = nodes();
    const now = this.#now();
    const age = (name: string) => now - (this.#last.get(name)?.timeMs ?? 0);
    const stale = names.filter((name) => age(name) > oldMs || age(name) < windowMsMin);
    if (stale.length > 0) {
      const first = await this.#sample(stale);
      for (const [name, sample] of first) this.#last.set(name, sample);
      await wait(windowMsMin);
    }
    const before = this.#last;
    this.#last = await this.#sample(names);
    const usage = [...this.#last].flatMap(([name, sample]) => {
      const earlier = before.get(name);
      return earlier === undefined ? [] : [usageBetween(earlier, sample)];
    });
    this.#answer = { timeMs: this.#now(), usage };
    return usage;
  }

  async #sample(names: readonly string[]): Promise<Map<string, Sample>> {
    const taken = await Promise.allSettled(names.map((name) => this.#options.take(name)));
    const samples = taken.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    return new Map(samples.map((sample) => [sample.node, sample]));
  }
}
