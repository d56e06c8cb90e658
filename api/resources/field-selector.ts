/** Field selectors (`status.phase!=Failed,metadata.name=web`): apimachinery's `pkg/fields`. */
import { badRequest } from './status.ts';

export interface FieldRequirement {
  readonly path: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

/** All must hold; the empty list selects everything. */
export type FieldRequirements = readonly FieldRequirement[];

/** Splits at the commas that no backslash escapes. */
function splitTerms(text: string): string[] {
  return text.match(/(?:\\[\s\S]|[^,\\]|\\$)+/g) ?? [];
}

function unescaped(value: string): string {
  const bad = /\\(?![\\,=])([\s\S]?)/.exec(value.replaceAll('\\\\', ''));
  if (bad !== null) {
    throw badRequest(`invalid field selector: invalid escape sequence: ${bad[0]}`);
  }
  if (/(^|[^\\])(\\\\)*=/.test(value)) {
    throw badRequest(`invalid field selector: unescaped character in value: ${value}`);
  }
  return value.replace(/\\([\\,=])/g, '$1');
}

/** Parses the `fieldSelector` parameter. Which paths a kind knows is not decided here. @throws StatusError 400 */
export function parseFieldSelector(text: string): FieldRequirements {
  return splitTerms(text).map((term) => {
    const match = /^(.*?)(!=|==|=)([\s\S]*)$/.exec(term);
    if (match === null) {
      throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    }
    const [, path = '', operator, value = ''] = match;
    return { path, operator: operator === '!=' ? '!=' : '=', value: unescaped(value) };
  });
}

/** Whether `readField(path)` (`''` for an absent field) meets every requirement. */
export function matchesFields(
  requirements: FieldRequirements,
  readField: (path: string) => string,
): boolean {
  return requirements.every(({ path, operator, value }) => {
    const equal = readField(path) === value;
    return operator === '=' ? equal : !equal;
  });
}

/** The text `parseFieldSelector` reads. */
export function formatFieldSelector(requirements: FieldRequirements): string {
  return requirements
    .map(({ path, operator, value }) => `${path}${operator}${value.replace(/[\\,=]/g, '\\$&')}`)
    .join(',');
}
