/** The lines, words and variables of a Dockerfile (Dockerfile reference, "Format", "Environment replacement"). Pure. */

/** Variables by name; one that is not there is empty. */
export type Variables = ReadonlyMap<string, string>;

export const variablesOf = (env: readonly string[]): Variables =>
  new Map(
    env.map((line) => {
      const equals = line.indexOf('=');
      return equals < 0 ? [line, ''] : [line.slice(0, equals), line.slice(equals + 1)];
    }),
  );

/** A variable that makes no sense. */
export class VariableError extends Error {
  override readonly name = 'VariableError';
}

/** One instruction each: a backslash at the end goes on, comments and empty lines are none. */
export function instructionsOf(text: string): string[] {
  const found: string[] = [];
  let open = '';
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(#|$)/.test(line)) continue;
    const goesOn = /\\\s*$/.test(line);
    open += goesOn ? line.replace(/\\\s*$/, '') : line;
    if (goesOn) continue;
    found.push(open.trim());
    open = '';
  }
  return open.trim() === '' ? found : [...found, open.trim()];
}

interface Read {
  readonly text: string;
  /** What was read, with `$`. */
  readonly length: number;
}

/** The end of `${…}` that begins at `start`, past inner ones; -1: there is none. */
function closing(text: string, start: number): number {
  let depth = 0;
  for (let i = start; i < text.length; i += 1) {
    if (text[i] === '\\') i += 1;
    else if (text[i] === '{') depth += 1;
    else if (text[i] === '}' && --depth === 0) return i;
  }
  return -1;
}

/** The variable at `at`, where a `$` stands; undefined: it is just that. @throws VariableError */
function variableAt(text: string, at: number, variables: Variables): Read | undefined {
  const rest = text.slice(at);
  const plain = /^\$([A-Za-z_][A-Za-z0-9_]*|\d)/.exec(rest);
  if (plain !== null) return { text: variables.get(plain[1] ?? '') ?? '', length: plain[0].length };
  if (rest[1] !== '{') return undefined;
  const end = closing(text, at + 1);
  const inner = end < 0 ? '' : text.slice(at + 2, end);
  const match = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+])(.*))?$/s.exec(inner);
  if (match === null) throw new VariableError(`'${rest.slice(0, 20)}' is no variable`);
  const [, name = '', operator = '', word = ''] = match;
  const value = variables.get(name);
  const isSet = operator.startsWith(':')
    ? value !== undefined && value !== ''
    : value !== undefined;
  const other = () => oneWord(word, variables);
  const length = end - at + 1;
  if (operator.endsWith('-')) return { text: isSet ? (value ?? '') : other(), length };
  if (operator.endsWith('+')) return { text: isSet ? other() : '', length };
  return { text: value ?? '', length };
}

/**
 * Words as a shell splits them: quotes keep together, a backslash keeps the next character, variables are replaced but in
 * single quotes. @throws VariableError
 */
export function words(text: string, variables: Variables, separator = /\s/): string[] {
  const found: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let i = 0; i < text.length; i += 1) {
    const letter = text[i] ?? '';
    const variable = letter === '$' && quote !== "'" ? variableAt(text, i, variables) : undefined;
    if (variable !== undefined) {
      word = `${word ?? ''}${variable.text}`;
      i += variable.length - 1;
    } else if (letter === '\\' && quote !== "'" && i + 1 < text.length) {
      word = `${word ?? ''}${text[++i]}`;
    } else if (quote !== '' || letter === '"' || letter === "'") {
      if (quote === '') quote = letter;
      else if (letter === quote) quote = '';
      else word = `${word ?? ''}${letter}`;
      word ??= '';
    } else if (separator.test(letter)) {
      if (word !== undefined) found.push(word);
      word = undefined;
    } else word = `${word ?? ''}${letter}`;
  }
  if (word !== undefined) found.push(word);
  return found;
}

const nothing = /(?!)/;

/** All of it as one word. @throws VariableError */
export const oneWord = (text: string, variables: Variables): string =>
  words(text, variables, nothing)[0] ?? '';
