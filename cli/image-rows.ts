/** An image as lines of `bay images`, one a name. Pure but for the time. */
import { duration } from './duration.ts';
import { type Filters, hasLabels, some, truth } from './filters.ts';
import { fullName, humanSize, type ListedImage, shortId, shortName } from './images.ts';
import type { Columns, Row } from './listing.ts';
import { holds } from './local-image.ts';

export interface NamedImage {
  readonly image: ListedImage;
  readonly node: string;
  readonly repository: string;
  readonly tag: string;
}

export const imageFilters = ['dangling', 'label', 'before', 'since', 'reference', 'until'];

/** One for each name; a nameless image has one, with the repository it came from. */
export function named(image: ListedImage, node: string): NamedImage[] {
  const names = image.tags.map((tag) => ({ image, node, ...shortName(tag) }));
  if (names.length > 0) return names;
  const [from = '<none>@'] = image.repoDigests ?? [];
  const { repository } = shortName(`${from.slice(0, from.indexOf('@'))}:`);
  return [{ image, node, repository, tag: '<none>' }];
}

/** A repository alone stands for all its tags. */
export function fits({ repository, tag }: NamedImage, wanted: string | undefined): boolean {
  if (wanted === undefined) return true;
  if (wanted.includes('*')) return matches({ repository, tag }, wanted);
  const own = shortName(fullName(wanted));
  const isTagged = /:[^/]*$/.test(wanted);
  const isOurs = repository === `bayplan.local/${own.repository}`;
  return (repository === own.repository || isOurs) && (!isTagged || tag === own.tag);
}

/** `*` is anything without a slash (Go's path.Match). */
function matches(image: { repository: string; tag: string }, pattern: string): boolean {
  const text = pattern.replaceAll(/[.+^${}()|\\]/g, '\\$&').replaceAll('*', '[^/]*');
  const isTagged = /:[^/]*$/.test(pattern);
  const name = isTagged ? `${image.repository}:${image.tag}` : image.repository;
  return new RegExp(`^${text.replaceAll('?', '[^/]')}$`).test(name);
}

const createdOf = ({ createdAt = '' }: ListedImage): number => Date.parse(createdAt) || 0;

/** The lines that all filters let through. @throws Error for `before` and `since` an image that is not here */
export function filteredImages(
  all: readonly NamedImage[],
  filters: Filters,
  now: number,
): NamedImage[] {
  const timeOf = (text: string): number => {
    const found = all.find(({ image }) => holds(image, text));
    if (found === undefined) throw new Error(`No such image: ${text}`);
    return createdOf(found.image);
  };
  return all.filter((one) => {
    const { image } = one;
    const nameless = image.tags.length === 0;
    return (
      some(filters, 'dangling', (text) => truth('dangling', text) === nameless) &&
      some(filters, 'reference', (pattern) => fits(one, pattern)) &&
      some(filters, 'before', (text) => createdOf(image) < timeOf(text)) &&
      some(filters, 'since', (text) => createdOf(image) > timeOf(text)) &&
      some(filters, 'until', (text) => createdOf(image) < untilTime(text, now)) &&
      hasLabels(filters, image.config?.labels)
    );
  });
}

/** `24h`, `1h30m`, or a time. */
function untilTime(text: string, now: number): number {
  const parts = [...text.matchAll(/(\d+)([hms])/g)];
  const units: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1 };
  if (parts.length === 0) return Date.parse(text);
  const seconds = parts.reduce((sum, [, n, unit = 's']) => sum + Number(n) * (units[unit] ?? 0), 0);
  return now - seconds * 1000;
}

/** Of the repository it is listed under. */
function digestOf({ image, repository }: NamedImage): string {
  const found = (image.repoDigests ?? []).find((name) => {
    const at = name.indexOf('@');
    return shortName(`${name.slice(0, at)}:`).repository === repository;
  });
  return found?.replace(/^.*@/, '') ?? '<none>';
}

/** `whole`: the ID is not cut. */
export function imageRow(one: NamedImage, whole: boolean): Row {
  const { image, node, repository, tag } = one;
  const age = (Date.now() - Date.parse(image.createdAt ?? '')) / 1000;
  return {
    Repository: repository,
    Tag: tag,
    Digest: digestOf(one),
    ID: whole ? image.id : shortId(image.id),
    CreatedAt: image.createdAt ?? '',
    CreatedSince: Number.isNaN(age) ? 'N/A' : `${duration(age)} ago`,
    Size: humanSize(image.sizeBytes),
    Node: node,
  };
}

/** With digests, and with nodes where there are several. */
export function imageColumns(options: { digests: boolean; nodes: boolean }): Columns {
  return [
    ['REPOSITORY', 'Repository'],
    ['TAG', 'Tag'],
    ...(options.digests ? ([['DIGEST', 'Digest']] as const) : []),
    ['IMAGE ID', 'ID'],
    ['CREATED', 'CreatedSince'],
    ['SIZE', 'Size'],
    ...(options.nodes ? ([['NODE', 'Node']] as const) : []),
  ];
}
