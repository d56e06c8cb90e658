/**
 * What scalars without a tag mean in documents: as go-yaml reads them, and so kubectl, helm and every manifest written for
 * them. That is YAML 1.1 (`0644` is octal, `yes` is true), but for times, sets and base sixty.
 */

const unwanted = new Set([
  'tag:yaml.org,2002:timestamp',
  'tag:yaml.org,2002:set',
  'tag:yaml.org,2002:omap',
  'tag:yaml.org,2002:pairs',
]);

interface Tag {
  readonly tag: string;
  readonly format?: string;
}

/** Of the tags that the YAML library has for 1.1 those that go-yaml has, too. */
const goTags = <T extends Tag | string>(tags: T[]): T[] =>
  tags.filter(
    (tag) => typeof tag === 'string' || (!unwanted.has(tag.tag) && tag.format !== 'TIME'),
  );

/** Options for the YAML library's parsers. */
export const goYaml = { version: '1.1', customTags: goTags } as const;

/** `0644`; before the tag of decimal numbers, which would take it. */
const octal = {
  tag: 'tag:yaml.org,2002:int',
  format: 'OCT',
  default: true,
  test: /^[-+]?0[0-7_]+$/,
  resolve: (text: string): number => Number.parseInt(text.replace('+', '').replaceAll('_', ''), 8),
} as const;

/** The same as kustomize reads it: numbers as above, but `yes` and `n` are text. */
export const kustomizeYaml = {
  customTags: <T>(tags: T[]): (T | typeof octal)[] => [octal, ...tags],
} as const;
