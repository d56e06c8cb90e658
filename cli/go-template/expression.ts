/** The inside of `{{…}}`: `$x := index .Config.Labels "a" | upper`. */
import { functions } from './functions.ts';
import { bad, type Pipe, type Term } from './syntax.ts';

const tokens =
  /\s*(?:(?<text>"(?:[^"\\\n]|\\.)*"|`[^`]*`)|(?<char>'(?:[^'\\\n]|\\.)')|(?<number>[+-]?\d+(?:\.\d+)?(?![\w.]))|(?<name>\$\w*|[A-Za-z_]\w*)|(?<path>(?:\.[A-Za-z_]\w*)+|\.)|(?<mark>:=|[=|(),]))/y;

interface Token {
  readonly kind: 'text' | 'char' | 'number' | 'name' | 'path' | 'mark';
  readonly text: string;
  /** Nothing is between it and the one before. */
  readonly joined: boolean;
}

function tokensOf(source: string): Token[] {
  const found: Token[] = [];
  tokens.lastIndex = 0;
  const end = source.trimEnd().length;
  while (tokens.lastIndex < end) {
    const at = tokens.lastIndex;
    const groups = tokens.exec(source)?.groups;
    const hit = Object.entries(groups ?? {}).find(([, text]) => text !== undefined);
    if (hit === undefined) throw bad(source, `unexpected '${source.slice(at).trim()}'`);
    const joined = at > 0 && tokens.lastIndex - at === hit[1].length;
    found.push({ kind: hit[0] as Token['kind'], text: hit[1], joined });
  }
  return found;
}

const constants = new Map([
  ['true', true],
  ['false', false],
  ['nil', null],
]);

/** Go's escapes are JSON's, and `\x41`, `\a`, `\v`, `\'`. */
function unquoted(text: string, source: string): string {
  if (text.startsWith('`')) return text.slice(1, -1);
  const inner = text
    .slice(1, -1)
    .replaceAll(/\\x([0-9a-fA-F]{2})/g, '\\u00$1')
    .replaceAll('\\a', '\\u0007')
    .replaceAll('\\v', '\\u000b')
    .replaceAll("\\'", "'");
  try {
    return JSON.parse(`"${inner.replaceAll('\t', '\\t')}"`);
  } catch {
    throw bad(source, `malformed string ${text}`);
  }
}

const pathOf = (text: string): string[] => text.split('.').filter(Boolean);

class ExpressionReader {
  readonly #source: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(source: string) {
    this.#source = source;
    this.#tokens = tokensOf(source);
  }

  whole(): Pipe {
    const pipe = this.#pipe();
    const left = this.#tokens[this.#at];
    if (left !== undefined) throw bad(this.#source, `unexpected '${left.text}'`);
    return pipe;
  }

  #pipe(): Pipe {
    const { names, declares } = this.#names();
    const commands = [this.#command()];
    while (this.#take('|')) commands.push(this.#command());
    return { names, declares, commands };
  }

  /** `$i, $x :=` */
  #names() {
    const ahead = this.#tokens.slice(this.#at, this.#at + 4).map(({ text }) => text);
    const pair = ahead[1] === ',';
    const mark = ahead[pair ? 3 : 1];
    const names = (pair ? [ahead[0], ahead[2]] : [ahead[0]]).map((name) => name ?? '');
    const declares = mark === ':=';
    const assigns = (declares || mark === '=') && names.every((name) => name.startsWith('$'));
    if (!assigns) return { names: [], declares: false };
    this.#at += names.length * 2;
    return { names, declares };
  }

  #command(): Term[] {
    const terms: Term[] = [];
    for (;;) {
      const { text } = this.#tokens[this.#at] ?? {};
      if (text === undefined || text === '|' || text === ')') break;
      terms.push(this.#term());
    }
    const [first, second] = terms;
    if (first === undefined) throw bad(this.#source, 'missing value for command');
    if (second !== undefined && first.type !== 'function') {
      throw bad(this.#source, 'what is no function has been given arguments');
    }
    return terms;
  }

  #term(): Term {
    const token = this.#tokens[this.#at++];
    if (token?.kind === 'text') return literal(unquoted(token.text, this.#source));
    if (token?.kind === 'char') {
      return literal(unquoted(`"${token.text.slice(1, -1)}"`, this.#source).codePointAt(0) ?? 0);
    }
    if (token?.kind === 'number') return literal(Number(token.text));
    if (token?.kind === 'path') return { type: 'dot', path: pathOf(token.text) };
    if (token?.kind === 'name') return this.#named(token.text);
    if (token?.text !== '(') throw bad(this.#source, `unexpected '${token?.text ?? 'end'}'`);
    const pipe = this.#pipe();
    if (!this.#take(')')) throw bad(this.#source, 'unclosed left paren');
    return { type: 'pipe', pipe, path: this.#joinedPath() };
  }

  #named(name: string): Term {
    if (name.startsWith('$')) return { type: 'variable', name, path: this.#joinedPath() };
    if (constants.has(name)) return literal(constants.get(name) ?? null);
    if (Object.hasOwn(functions, name) || name === 'and' || name === 'or') {
      return { type: 'function', name };
    }
    throw bad(this.#source, `function "${name}" not defined`);
  }

  #joinedPath(): string[] {
    const next = this.#tokens[this.#at];
    if (next?.kind !== 'path' || !next.joined) return [];
    this.#at += 1;
    return pathOf(next.text);
  }

  #take(text: string): boolean {
    const token = this.#tokens[this.#at];
    const isIt = token?.kind === 'mark' && token.text === text;
    if (isIt) this.#at += 1;
    return isIt;
  }
}

const literal = (value: string | number | boolean | null): Term => ({ type: 'literal', value });

/** @throws UsageError */
export const readPipe = (source: string): Pipe => new ExpressionReader(source).whole();
