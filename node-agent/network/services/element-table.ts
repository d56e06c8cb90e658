/**
 * The elements of a node's table: what they should be, what the kernel has, and the way from one to the other. Changes are
 * gathered while one is being made and cost what they hold. After any failure, and when somebody else has changed the
 * ruleset, the kernel is asked what it has.
 */
import { setImmediate } from 'node:timers/promises';
import {
  changeElements,
  type ElementChange,
  listElements,
  rulesetGeneration,
} from '#native/nftables.ts';
import { nft, removalText } from './nft.ts';
import { pickerText, type TableOptions, tableText, usualSlots } from './rules.ts';
import { decodeElement, encodeElement, type SetName, setNames } from './set-schema.ts';

type Elements = Map<SetName, Map<string, string>>;

const empty = (): Elements => new Map(setNames.map((set) => [set, new Map<string, string>()]));

/** A transaction holds no more elements: it is one message to the kernel. */
const elementsMax = 20_000;
/** The event loop is let go after so many. */
const decodedAtOnce = 2_000;

export class ElementTable {
  readonly #options: TableOptions;
  readonly #wanted = empty();
  readonly #present = empty();
  readonly #dirty = new Map<SetName, Set<string>>(setNames.map((set) => [set, new Set()]));
  readonly #pickers = new Set<number>();
  /** Told after the kernel was read again: others have changed the ruleset, perhaps more than this table. */
  onReload: () => void = () => {};
  /** nftables' count of changes as we left it. */
  #generation = 0;
  #working: Promise<void> = Promise.resolve();
  #isDestroyed = false;

  constructor(options: TableOptions) {
    this.#options = options;
  }

  /** Writes the rules and reads the elements that an earlier life left. @throws Error that says what is missing */
  open(): Promise<void> {
    return this.#alone(() => this.#load());
  }

  /** What the kernel has. */
  present(set: SetName, key: string): string | undefined {
    return this.#present.get(set)?.get(key);
  }

  put(set: SetName, key: string, value: string): void {
    this.#wanted.get(set)?.set(key, value);
    this.#dirty.get(set)?.add(key);
  }

  remove(set: SetName, key: string): void {
    this.#wanted.get(set)?.delete(key);
    this.#dirty.get(set)?.add(key);
  }

  wanted(set: SetName, key: string): string | undefined {
    return this.#wanted.get(set)?.get(key);
  }

  /** From now on what is not wanted is taken away, also what an earlier life left. */
  disown(): void {
    for (const set of setNames) this.#markDifferences(set);
  }

  /** Makes the kernel have what is wanted of what was touched. Resolves when it has. @throws Error when it refuses twice */
  flush(): Promise<void> {
    return this.#alone(async () => {
      if (this.#isDestroyed) return;
      try {
        await this.#send();
      } catch {
        // Somebody has changed the table. A second refusal is told.
        await this.#load();
        this.onReload();
        this.disown();
        await this.#send();
      }
    });
  }

  /** Puts right what others have done to the table; resolves with whether anything had to be. */
  verify(): Promise<boolean> {
    return this.#alone(async () => {
      if (this.#isDestroyed) return false;
      if ((await rulesetGeneration()) === this.#generation) return false;
      await this.#load();
      this.onReload();
      this.disown();
      return (await this.#send()) > 0;
    });
  }

  /** The table of network policies beside it. */
  get policyTable(): string {
    return `${this.#options.table}-policy`;
  }

  /** One transaction of `nft` on another table of ours. */
  run(text: string): Promise<void> {
    return this.change(() => nft(text));
  }

  /** The same over netlink. */
  change(transaction: () => Promise<void>): Promise<void> {
    return this.#alone(async () => {
      if (this.#isDestroyed) return;
      await transaction();
      this.#generation = nextGeneration(this.#generation);
    });
  }

  /** Takes the whole table away, and the policies' one. Those who keep it true may go on for a while: nothing is made again. */
  destroy(): Promise<void> {
    this.#isDestroyed = true;
    const text = removalText(this.#options.table) + removalText(this.policyTable);
    return this.#alone(() => nft(text));
  }

  /** One after the other. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#working.then(work);
    this.#working = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  async #load(): Promise<void> {
    const { table } = this.#options;
    const more = [...this.#pickers].map((slots) => pickerText(table, slots)).join('');
    const text = `add table ip ${table}\n${tableText(this.#options)}${more}`;
    // A table of another shape (of another version) cannot be filled: it goes, with its elements.
    await nft(text).catch(() => nft(`${removalText(table)}${text}`));
    this.#generation = await rulesetGeneration();
    for (const set of setNames) await this.#read(set);
  }

  async #read(set: SetName): Promise<void> {
    const present = new Map<string, string>();
    const elements = await listElements(this.#options.table, set);
    for (const [i, element] of elements.entries()) {
      if (i % decodedAtOnce === decodedAtOnce - 1) await setImmediate();
      present.set(...decodeElement(set, element));
    }
    this.#present.set(set, present);
  }

  #markDifferences(set: SetName): void {
    const dirty = this.#dirty.get(set);
    const present = this.#present.get(set);
    const wanted = this.#wanted.get(set);
    for (const [key, value] of present ?? []) if (wanted?.get(key) !== value) dirty?.add(key);
    for (const [key, value] of wanted ?? []) if (present?.get(key) !== value) dirty?.add(key);
  }

  /** Resolves with the number of elements that were changed. */
  async #send(): Promise<number> {
    const drafts = setNames.map((set) => this.#draft(set));
    await this.#makePickers(drafts.find(({ set }) => set === 'sizes')?.add ?? []);
    // What is looked up first goes first and comes last: in between, no packet finds half a way.
    const deletes = drafts.toReversed().map(({ set, gone }) => change(set, 'delete', gone));
    const adds = drafts.map(({ set, add }) => change(set, 'add', add));
    for (const part of portions([...deletes, ...adds])) {
      await changeElements(this.#options.table, part);
      this.#generation = nextGeneration(this.#generation);
    }
    for (const { set, gone, add } of drafts) {
      for (const [key] of gone) this.#present.get(set)?.delete(key);
      for (const [key, value] of add) this.#present.get(set)?.set(key, value);
    }
    return drafts.reduce((sum, { gone, add }) => sum + gone.length + add.length, 0);
  }

  #draft(set: SetName) {
    const gone: (readonly [string, string])[] = [];
    const add: (readonly [string, string])[] = [];
    const dirty = this.#dirty.get(set) ?? new Set<string>();
    for (const key of dirty) {
      const value = this.#wanted.get(set)?.get(key);
      const present = this.#present.get(set)?.get(key);
      if (value === present) continue;
      if (present !== undefined) gone.push([key, present]);
      if (value !== undefined) add.push([key, value]);
    }
    dirty.clear();
    return { set, gone, add };
  }

  async #makePickers(sizes: readonly (readonly [string, string])[]): Promise<void> {
    const wanted = new Set(sizes.map(([, size]) => Number(size)));
    const missing = [...wanted].filter((slots) => slots > usualSlots && !this.#pickers.has(slots));
    if (missing.length === 0) return;
    await nft(missing.map((slots) => pickerText(this.#options.table, slots)).join(''));
    this.#generation = nextGeneration(this.#generation);
    for (const slots of missing) this.#pickers.add(slots);
  }
}

/** The kernel counts in 32 bits and leaves 0 out. */
const nextGeneration = (generation: number): number => (generation + 1) >>> 0 || 1;

const change = (
  set: SetName,
  op: 'add' | 'delete',
  elements: readonly (readonly [string, string])[],
): ElementChange => ({
  set,
  op,
  elements: elements.map(([key, value]) => encodeElement(set, key, value)),
});

/** Cut so that no transaction is too large; what fits in one is one. */
function portions(changes: readonly ElementChange[]): ElementChange[][] {
  const parts: ElementChange[][] = [];
  let room = 0;
  for (const { elements, ...rest } of changes) {
    for (let at = 0; at < elements.length; ) {
      if (room === 0) {
        parts.push([]);
        room = elementsMax;
      }
      const some = elements.slice(at, at + room);
      parts.at(-1)?.push({ ...rest, elements: some });
      at += some.length;
      room -= some.length;
    }
  }
  return parts;
}
