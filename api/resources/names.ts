/**
 * What names, label keys and label values may look like, in Kubernetes' words
 * (apimachinery `pkg/api/validate/content` and `pkg/util/validation`). Each check returns the messages of what is
 * wrong; none means the text is good.
 */
import { randomInt } from 'node:crypto';

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = `(${QUALIFIED})?`;
const CONFIG_KEY = '[-._a-zA-Z0-9]+';

const whole = (pattern: string): RegExp => new RegExp(`^${pattern}$`);
const labelPattern = whole(LABEL);
const subdomainPattern = whole(SUBDOMAIN);
const label1035Pattern = whole(LABEL_1035);
const qualifiedPattern = whole(QUALIFIED);
const labelValuePattern = whole(LABEL_VALUE);
const configKeyPattern = whole(CONFIG_KEY);

const tooLong = (bytes: number): string => `must be no more than ${bytes} bytes`;

/** `message (e.g. 'a',  or 'b', regex used for validation is '…')`, as apimachinery's `RegexError` words it. */
function unmatched(message: string, pattern: string, ...examples: string[]): string {
  const such = examples.map((example) => `'${example}', `).join(' or ');
  return `${message} (e.g. ${such}regex used for validation is '${pattern}')`;
}

const bytesOf = (text: string): number => Buffer.byteLength(text);

/** DNS-1123 label: a namespace's name, a container's name. */
export function labelProblems(value: string): string[] {
  const problems = bytesOf(value) > 63 ? [tooLong(63)] : [];
  if (labelPattern.test(value)) return problems;
  if (subdomainPattern.test(value)) return [...problems, 'must not contain dots'];
  const message =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', " +
    'and must start and end with an alphanumeric character';
  return [...problems, unmatched(message, LABEL, 'my-name', '123-abc')];
}

/** DNS-1123 subdomain: the name of most objects. */
export function subdomainProblems(value: string): string[] {
  const problems = bytesOf(value) > 253 ? [tooLong(253)] : [];
  if (subdomainPattern.test(value)) return problems;
  const message =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', " +
    'and must start and end with an alphanumeric character';
  return [...problems, unmatched(message, SUBDOMAIN, 'example.com')];
}

/** DNS-1035 label: a custom resource's singular, plural and short names. */
export function label1035Problems(value: string): string[] {
  const problems = bytesOf(value) > 63 ? [tooLong(63)] : [];
  if (label1035Pattern.test(value)) return problems;
  const message =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', " +
    'start with an alphabetic character, and end with an alphanumeric character';
  return [...problems, unmatched(message, LABEL_1035, 'my-name', 'abc-123')];
}

/** `name` or `prefix/name`: keys of labels, annotations, taints, finalizers. */
export function qualifiedNameProblems(value: string): string[] {
  const parts = value.split('/');
  const message =
    "must consist of alphanumeric characters, '-', '_' or '.', " +
    'and must start and end with an alphanumeric character';
  if (parts.length > 2) {
    const asName = unmatched(message, QUALIFIED, 'MyName', 'my.name', '123-abc');
    return [
      `a valid label key ${asName} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const problems: string[] = [];
  const name = parts.at(-1) ?? '';
  const prefix = parts.length === 2 ? parts[0] : undefined;
  if (prefix === '') problems.push('prefix part must be non-empty');
  else if (prefix !== undefined) {
    problems.push(...subdomainProblems(prefix).map((problem) => `prefix part ${problem}`));
  }
  if (name === '') problems.push('name part must be non-empty');
  else if (bytesOf(name) > 63) problems.push(`name part ${tooLong(63)}`);
  if (!qualifiedPattern.test(name)) {
    problems.push(`name part ${unmatched(message, QUALIFIED, 'MyName', 'my.name', '123-abc')}`);
  }
  return problems;
}

/** The value of a label or of a selector's requirement. */
export function labelValueProblems(value: string): string[] {
  const problems = bytesOf(value) > 63 ? [tooLong(63)] : [];
  if (labelValuePattern.test(value)) return problems;
  const message =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', " +
    'and must start and end with an alphanumeric character';
  return [...problems, unmatched(message, LABEL_VALUE, 'MyValue', 'my_value', '12345')];
}

/** A key of a ConfigMap's or Secret's data: it becomes a file's name. */
export function configKeyProblems(value: string): string[] {
  const problems = bytesOf(value) > 253 ? [tooLong(253)] : [];
  if (!configKeyPattern.test(value)) {
    const message = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
    problems.push(unmatched(message, CONFIG_KEY, 'key.name', 'KEY_NAME', 'key-name'));
  }
  if (value === '.') problems.push("must not be '.'");
  else if (value === '..') problems.push("must not be '..'");
  else if (value.startsWith('..')) problems.push("must not start with '..'");
  return problems;
}

/** An environment variable's name: printable ASCII without `=`. */
export function envNameProblems(value: string): string[] {
  if (value === '') return ['environment variable name must be non-empty'];
  if (/^[ -<>-~]*$/.test(value)) return [];
  return [
    "a valid environment variable name must consist only of printable ASCII characters other than '='",
  ];
}

/** A port's name (RFC 6335, lower case). */
export function portNameProblems(value: string): string[] {
  const problems = bytesOf(value) > 15 ? [tooLong(15)] : [];
  if (!/^[-a-z0-9]+$/.test(value)) {
    problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  }
  if (!/[a-z]/.test(value)) problems.push('must contain at least one letter (a-z)');
  if (value.includes('--')) problems.push('must not contain consecutive hyphens');
  if (/^-|-$/.test(value)) problems.push('must not begin or end with a hyphen');
  return problems;
}

/** A name that is one segment of a URL's path: the rule of RBAC's objects and of custom sub-objects. */
export function pathSegmentProblems(value: string): string[] {
  if (value === '.' || value === '..') return [`may not be '${value}'`];
  return ['/', '%'].filter((c) => value.includes(c)).map((c) => `may not contain '${c}'`);
}

/** No vowels, no digits that look like letters: no words, no mistakes in reading (apimachinery `util/rand`). */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const SUFFIX_LENGTH = 5;

/** `base` cut to 58 characters and five random ones: what the server makes of `metadata.generateName`. */
export function generateName(base: string): string {
  let name = base.slice(0, 63 - SUFFIX_LENGTH);
  for (let i = 0; i < SUFFIX_LENGTH; i += 1) name += ALPHABET[randomInt(ALPHABET.length)];
  return name;
}
