/** The keys that leave a session while its program goes on: `ctrl-p,ctrl-q` unless told otherwise, as docker has them. */
import { UsageError } from './arguments.ts';

export const usualDetachKeys = 'ctrl-p,ctrl-q';

/** Pure: `ctrl-a`, `ctrl-@`, `a`, separated by commas, as bytes; none of it: no keys. @throws UsageError */
export function keyBytes(text: string): readonly number[] {
  if (text === '') return [];
  return text.split(',').map((key) => {
    const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
    if (control !== undefined) return control.toUpperCase().charCodeAt(0) - 64;
    if (key.length === 1 && key.charCodeAt(0) < 128) return key.charCodeAt(0);
    throw new UsageError(`--detach-keys '${text}': '${key}' is no key: a letter or ctrl-LETTER`);
  });
}

/** Looks for the keys in what is typed. A beginning of them is held back until it is clear what it becomes. */
export class DetachKeys {
  readonly #keys: readonly number[];
  #matched = 0;

  constructor(keys: readonly number[]) {
    this.#keys = keys;
  }

  /** What of the input goes on, and whether the keys were typed. */
  take(input: Buffer): { readonly passed: Buffer; readonly detached: boolean } {
    if (this.#keys.length === 0) return { passed: input, detached: false };
    const passed: number[] = [];
    for (const byte of input) {
      if (byte !== this.#keys[this.#matched]) {
        passed.push(...this.#keys.slice(0, this.#matched));
        this.#matched = 0;
      }
      if (byte === this.#keys[this.#matched]) this.#matched += 1;
      else passed.push(byte);
      if (this.#matched === this.#keys.length) {
        return { passed: Buffer.from(passed), detached: true };
      }
    }
    return { passed: Buffer.from(passed), detached: false };
  }
}
