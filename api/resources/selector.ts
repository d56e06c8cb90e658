/**
 * Label selectors as requirements: parsed from a query parameter (`a=b,c in (d,e),!f`) or made of the `LabelSelector`
 * object of a spec, matched against labels, and written back. Grammar and messages are apimachinery's `pkg/labels`.
 */
import { labelValueProblems, qualifiedNameProblems } from './names.ts';
import { badRequest, type StatusError } from './status.ts';
import type { LabelSelector } from './types.ts';

export { matchesFields, parseFieldSelector } from './field-selector.ts';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: 'exists' | '!' | '=' | '==' | '!=' | 'in' | 'notin' | 'gt' | 'lt';
  readonly values: readonly string[];
}

/** All must hold; the empty list selects everything. */
export type LabelRequirements = readonly LabelRequirement[];

type Labels = Readonly<Record<string, string>>;
type Operator = LabelRequirement['operator'];

const OPERATORS = 'in, notin, =, ==, !=, gt, lt, exists, !';
const TOKEN = /[ \t\r\n]*(==|!=|[=!()<>,]|[^=!()<>, \t\r\n]+|$)/y;
const SYMBOLS = new Set(['=', '==', '!=', '!', '(', ')', '<', '>', ',', '']);

class Tokens {
  readonly #tokens: string[] = [];
  #next = 0;

  constructor(text: string) {
    TOKEN.lastIndex = 0;
    for (let token: string | undefined; token !== ''; ) {
      token = TOKEN.exec(text)?.[1] ?? '';
      this.#tokens.push(token);
    }
  }

  /** The token ahead; `''` is the end. */
  peek(): string {
    return this.#tokens[this.#next] ?? '';
  }

  take(): string {
    const token = this.peek();
    this.#next += 1;
    return token;
  }
}

const isIdentifier = (token: string): boolean => !SYMBOLS.has(token);
const found = (token: string, expected: string): StatusError =>
  unparsable(`found '${token}', expected: ${expected}`);
const unparsable = (why: string): StatusError => badRequest(`unable to parse requirement: ${why}`);

/** Kubernetes quotes the value and joins what is wrong with it. */
function refuse(value: string, problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw unparsable(`<nil>: Invalid value: ${JSON.stringify(value)}: ${problems.join('; ')}`);
}

function takeOperator(tokens: Tokens): Operator {
  const token = tokens.take();
  switch (token) {
    case '=':
    case '==':
    case '!=':
    case 'in':
    case 'notin':
      return token;
    case '>':
      return 'gt';
    case '<':
      return 'lt';
    default:
      throw found(token, OPERATORS);
  }
}

function takeExactValue(tokens: Tokens): string[] {
  const ahead = tokens.peek();
  if (ahead === '' || ahead === ',') return [''];
  const token = tokens.take();
  if (!isIdentifier(token)) throw found(token, 'identifier');
  return [token];
}

/** `(a,b)`; an empty place between commas is the empty value. */
function takeValues(tokens: Tokens): string[] {
  const open = tokens.take();
  if (open !== '(') throw unparsable(`found '${open}' expected: '('`);
  if (tokens.peek() === ')') {
    tokens.take();
    return [];
  }
  const values = new Set<string>();
  for (;;) {
    values.add(isIdentifier(tokens.peek()) ? tokens.take() : '');
    const token = tokens.take();
    if (token === ')') return [...values].sort();
    if (token !== ',') throw found(token, "',' or ')'");
  }
}

function takeRequirement(tokens: Tokens): LabelRequirement {
  const negated = tokens.peek() === '!';
  if (negated) tokens.take();
  const key = tokens.take();
  if (!isIdentifier(key)) throw found(key, 'identifier');
  refuse(key, qualifiedNameProblems(key));
  const ahead = tokens.peek();
  if (negated) return { key, operator: '!', values: [] };
  if (ahead === '' || ahead === ',') return { key, operator: 'exists', values: [] };
  const operator = takeOperator(tokens);
  const several = operator === 'in' || operator === 'notin';
  const values = several ? takeValues(tokens) : takeExactValue(tokens);
  checkValues(operator, values);
  return { key, operator, values };
}

function checkValues(operator: Operator, values: readonly string[]): void {
  if (values.length === 0) {
    throw unparsable(
      "<nil>: Invalid value: []: for 'in', 'notin' operators, values set can't be empty",
    );
  }
  if ((operator === 'gt' || operator === 'lt') && !/^[-+]?\d+$/.test(values[0] ?? '')) {
    const why = "for 'Gt', 'Lt' operators, the value must be an integer";
    throw unparsable(`<nil>: Invalid value: ${JSON.stringify(values[0])}: ${why}`);
  }
  for (const value of values) refuse(value, labelValueProblems(value));
}

/** Parses the `labelSelector` parameter. @throws StatusError 400 */
export function parseLabelSelector(text: string): LabelRequirements {
  const tokens = new Tokens(text);
  const requirements: LabelRequirement[] = [];
  while (tokens.peek() !== '') {
    const ahead = tokens.peek();
    if (!isIdentifier(ahead) && ahead !== '!') {
      throw badRequest(`found '${ahead}', expected: !, identifier, or 'end of string'`);
    }
    requirements.push(takeRequirement(tokens));
    const after = tokens.take();
    if (after === '') break;
    if (after !== ',') throw badRequest(`found '${after}', expected: ',' or 'end of string'`);
    const next = tokens.peek();
    if (!isIdentifier(next) && next !== '!') {
      throw badRequest(`found '${next}', expected: identifier after ','`);
    }
  }
  return requirements;
}

const OBJECT_OPERATORS: Record<string, Operator> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};

/**
 * The requirements of a spec's `LabelSelector`. As in Kubernetes the empty selector selects everything and an
 * absent one nothing: that is `undefined`, which `matchesLabels` takes.
 * @throws StatusError 400 for an unknown operator
 */
export function labelSelectorOf(
  selector: LabelSelector | undefined,
): LabelRequirements | undefined {
  if (selector === undefined || selector === null) return undefined;
  const requirements: LabelRequirement[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    requirements.push({ key, operator: '=', values: [value] });
  }
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const known = OBJECT_OPERATORS[operator];
    if (known === undefined) {
      throw badRequest(`${JSON.stringify(operator)} is not a valid label selector operator`);
    }
    requirements.push({ key, operator: known, values: [...(values ?? [])].sort() });
  }
  return requirements;
}

/** The requirements of a plain map of labels: a Service's or ReplicationController's selector. */
export function requireLabels(labels: Labels): LabelRequirements {
  return Object.entries(labels).map(([key, value]) => ({ key, operator: '=', values: [value] }));
}

function meets(requirement: LabelRequirement, labels: Labels): boolean {
  const { key, operator, values } = requirement;
  const label = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'exists':
      return label !== undefined;
    case '!':
      return label === undefined;
    case '=':
    case '==':
    case 'in':
      return label !== undefined && values.includes(label);
    case '!=':
    case 'notin':
      return label === undefined || !values.includes(label);
    case 'gt':
    case 'lt':
      return comparesTo(operator, label, values[0]);
  }
}

function comparesTo(operator: 'gt' | 'lt', label?: string, bound?: string): boolean {
  if (label === undefined || bound === undefined || !/^[-+]?\d+$/.test(label)) return false;
  const [a, b] = [BigInt(label.replace('+', '')), BigInt(bound.replace('+', ''))];
  return operator === 'gt' ? a > b : a < b;
}

/** Whether the labels meet every requirement; no selector at all (`undefined`) selects nothing. */
export function matchesLabels(
  requirements: LabelRequirements | undefined,
  labels: Labels | undefined,
): boolean {
  return requirements?.every((requirement) => meets(requirement, labels ?? {})) ?? false;
}

function requirementText({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${values.join(',')})`;
    case 'gt':
      return `${key}>${values[0]}`;
    case 'lt':
      return `${key}<${values[0]}`;
    default:
      return `${key}${operator}${values[0]}`;
  }
}

/** The text `parseLabelSelector` reads, sorted by key as Kubernetes writes it. */
export function formatLabelSelector(requirements: LabelRequirements): string {
  return requirements
    .toSorted((a, b) => Number(a.key > b.key) - Number(a.key < b.key))
    .map(requirementText)
    .join(',');
}
