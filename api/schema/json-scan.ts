/**
 * A careful second reading of a JSON text that `JSON.parse` refused, or that may name a field twice. Only bodies with
 * something wrong come here, so it is plain rather than fast.
 */
import type { Step } from './walk.ts';
import { pathText } from './walk.ts';

/** A text that is not JSON; `message` is Go's, with the place. */
export class MalformedJson extends Error {
  override readonly name = 'MalformedJson';
}

/** A field of an object in the text: `repeated` when the same object has had it before. */
export interface SeenField {
  readonly path: string;
  readonly repeated: boolean;
}

/**
 * How many member names the text can have at most: quotes followed by a colon. Equal to the number of keys of the
 * parsed value only if no object in the text names a field twice.
 */
export function memberNames(text: string): number {
  let count = 0;
  for (let colon = text.indexOf(':'); colon >= 0; colon = text.indexOf(':', colon + 1)) {
    let before = colon - 1;
    while (before > 0 && isSpace(text.charCodeAt(before))) before -= 1;
    if (text.charCodeAt(before) === 0x22) count += 1;
  }
  return count;
}

const isSpace = (code: number): boolean =>
  code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

/**
 * All fields in the order of the text.
 * @throws MalformedJson
 */
export function scanJson(text: string): SeenField[] {
  const scanner = new Scanner(text);
  scanner.value();
  scanner.end();
  return scanner.fields;
}

class Scanner {
  readonly fields: SeenField[] = [];
  readonly #text: string;
  readonly #path: Step[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(): void {
    const char = this.#next('looking for beginning of value');
    if (char === '{') this.#object();
    else if (char === '[') this.#array();
    else if (char === '"') this.#string();
    else if (char === '-' || isDigit(char)) this.#number();
    else this.#word(char);
  }

  end(): void {
    this.#space();
    if (this.#at < this.#text.length) this.#fail('after top-level value');
  }

  #object(): void {
    this.#at += 1;
    const seen = new Set<string>();
    if (this.#next('looking for beginning of object key string') === '}') {
      this.#at += 1;
      return;
    }
    for (;;) {
      if (this.#next('looking for beginning of object key string') !== '"') {
        this.#fail('looking for beginning of object key string');
      }
      this.#member(this.#string(), seen);
      const char = this.#next('after object key:value pair');
      this.#at += 1;
      if (char === '}') return;
      if (char !== ',') this.#failBack('after object key:value pair');
    }
  }

  #member(name: string, seen: Set<string>): void {
    this.fields.push({ path: pathText(this.#path, name), repeated: seen.has(name) });
    seen.add(name);
    if (this.#next('after object key') !== ':') this.#fail('after object key');
    this.#at += 1;
    this.#path.push(name);
    this.value();
    this.#path.pop();
  }

  #array(): void {
    this.#at += 1;
    if (this.#next('looking for beginning of value') === ']') {
      this.#at += 1;
      return;
    }
    for (let index = 0; ; index += 1) {
      this.#path.push(index);
      this.value();
      this.#path.pop();
      const char = this.#next('after array element');
      this.#at += 1;
      if (char === ']') return;
      if (char !== ',') this.#failBack('after array element');
    }
  }

  #string(): string {
    const start = this.#at;
    this.#at += 1;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (Number.isNaN(code)) this.#fail('in string literal');
      if (code < 0x20) this.#fail('in string literal');
      if (code === 0x5c) this.#escape();
      else this.#at += 1;
      if (code === 0x22) return JSON.parse(this.#text.slice(start, this.#at)) as string;
    }
  }

  #escape(): void {
    this.#at += 1;
    const char = this.#text[this.#at] ?? '';
    if (char === 'u') {
      for (let digit = 0; digit < 4; digit += 1) {
        this.#at += 1;
        if (!/[0-9a-fA-F]/.test(this.#text[this.#at] ?? '')) {
          this.#fail('in \\u hexadecimal character escape');
        }
      }
    } else if (char === '' || !'"\\/bfnrt'.includes(char)) {
      this.#fail('in string escape code');
    }
    this.#at += 1;
  }

  #number(): void {
    const rest = this.#text.slice(this.#at, this.#at + 400);
    const match = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/.exec(rest);
    this.#at += match?.[0].length ?? 1;
    if (match === null) this.#fail('in numeric literal');
  }

  #word(char: string): void {
    const word = ['true', 'false', 'null'].find((candidate) => candidate.startsWith(char));
    for (const letter of word ?? this.#fail('looking for beginning of value')) {
      if (this.#text[this.#at] !== letter) this.#fail(`in literal ${word} (expecting '${letter}')`);
      this.#at += 1;
    }
  }

  #space(): void {
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at += 1;
  }

  #next(expectation: string): string {
    this.#space();
    return this.#text[this.#at] ?? this.#fail(expectation);
  }

  #failBack(expectation: string): never {
    this.#at -= 1;
    this.#fail(expectation);
  }

  #fail(expectation: string): never {
    const char = this.#text[this.#at];
    const what =
      char === undefined
        ? 'unexpected end of JSON input'
        : `invalid character ${quoted(char)} ${expectation}`;
    const lines = this.#text.slice(0, this.#at).split('\n');
    const column = (lines.at(-1)?.length ?? 0) + 1;
    throw new MalformedJson(`${what} (line ${lines.length}, column ${column})`);
  }
}

const isDigit = (char: string): boolean => char >= '0' && char <= '9';

/** A character as Go quotes it in such errors. */
function quoted(char: string): string {
  if (char === "'") return `'\\''`;
  if (char === '"') return `'"'`;
  return `'${JSON.stringify(char).slice(1, -1)}'`;
}
