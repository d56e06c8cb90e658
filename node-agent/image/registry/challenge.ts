/** What a registry wants of who asks: the header `WWW-Authenticate` (RFC 9110 11.6.1; distribution, spec/auth/token.md). */

export interface Challenge {
  readonly scheme: 'basic' | 'bearer';
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const PARAMETER = new RegExp(`^[\\s,]*(${TOKEN})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))`);
const SCHEME = new RegExp(`^[\\s,]*(${TOKEN})(?=[\\s,]|$)`);

/** The challenges we can meet, bearer before basic. What cannot be read is passed over. */
export function parseChallenges(header: string | undefined): readonly Challenge[] {
  let rest = (header ?? '').slice(0, 8192);
  const found: { scheme: string; parameters: Record<string, string> }[] = [];
  while (rest !== '') {
    const parameter = PARAMETER.exec(rest);
    const scheme = parameter === null ? SCHEME.exec(rest) : null;
    if (parameter !== null) {
      const [, name = '', quoted, plain = ''] = parameter;
      const value = quoted?.replace(/\\(.)/g, '$1') ?? plain;
      const current = found.at(-1);
      if (current !== undefined) current.parameters[name.toLowerCase()] = value;
    } else if (scheme !== null) {
      found.push({ scheme: (scheme[1] ?? '').toLowerCase(), parameters: {} });
    }
    const length = (parameter ?? scheme)?.[0].length ?? 0;
    if (length === 0) break;
    rest = rest.slice(length);
  }
  const known = found.filter(({ scheme }) => scheme === 'basic' || scheme === 'bearer');
  return (known as Challenge[]).toSorted((a, b) => b.scheme.localeCompare(a.scheme));
}
