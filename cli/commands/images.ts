/** `bay images`: what the nodes hold, as `docker images` shows it. */
import { parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import {
  fullName,
  humanSize,
  imageOptions,
  imagesOf,
  type ListedImage,
  nodeNames,
  shortId,
  shortName,
} from '../images.ts';
import { renderTable } from '../table.ts';
import { duration } from './ps.ts';

const options = {
  ...imageOptions,
  quiet: { type: 'boolean', short: 'q' },
  'no-trunc': { type: 'boolean' },
  digests: { type: 'boolean' },
} as const;

interface Shown {
  readonly image: ListedImage;
  readonly node: string;
  readonly repository: string;
  readonly tag: string;
}

function shown(image: ListedImage, node: string): Shown[] {
  const named = image.tags.map((tag) => ({ image, node, ...shortName(tag) }));
  if (named.length > 0) return named;
  const [from = '<none>@'] = image.repoDigests ?? [];
  const { repository } = shortName(`${from.slice(0, from.indexOf('@'))}:`);
  return [{ image, node, repository, tag: '<none>' }];
}

/** Of the repository it is listed under. */
function digestOf({ image, repository }: Shown): string {
  const found = (image.repoDigests ?? []).find((name) => {
    const at = name.indexOf('@');
    return shortName(`${name.slice(0, at)}:`).repository === repository;
  });
  return found?.replace(/^.*@/, '') ?? '<none>';
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  if (positionals.length > 1) throw new UsageError('name at most one repository or image');
  const client = await openClient(values);
  try {
    const names = await nodeNames(client, values.node);
    const rows: Shown[] = [];
    for (const node of names) {
      const images = await imagesOf(client, node);
      rows.push(...images.flatMap((image) => shown(image, node)));
    }
    const wanted = rows.filter((row) => fits(row, positionals[0]));
    wanted.sort((a, b) => (b.image.createdAt ?? '').localeCompare(a.image.createdAt ?? ''));
    const id = (image: ListedImage) => (values['no-trunc'] === true ? image.id : shortId(image.id));
    if (values.quiet === true) {
      const ids = new Set(wanted.map(({ image }) => id(image)));
      process.stdout.write([...ids].map((each) => `${each}\n`).join(''));
      return 0;
    }
    const several = names.length > 1;
    const digests = values.digests === true;
    const headings = [
      'REPOSITORY',
      'TAG',
      ...(digests ? ['DIGEST'] : []),
      'IMAGE ID',
      'CREATED',
      'SIZE',
    ];
    const cells = wanted.map((row) => [
      row.repository,
      row.tag,
      ...(digests ? [digestOf(row)] : []),
      id(row.image),
      created(row.image),
      humanSize(row.image.sizeBytes),
      ...(several ? [row.node] : []),
    ]);
    process.stdout.write(`${renderTable(several ? [...headings, 'NODE'] : headings, cells)}\n`);
    return 0;
  } finally {
    client.close();
  }
}

function created({ createdAt }: ListedImage): string {
  if (createdAt === undefined) return 'N/A';
  return `${duration((Date.now() - Date.parse(createdAt)) / 1000)} ago`;
}

/** A repository alone stands for all its tags. */
function fits({ repository, tag }: Shown, wanted: string | undefined): boolean {
  if (wanted === undefined) return true;
  const named = shortName(fullName(wanted));
  const isTagged = /:[^/]*$/.test(wanted);
  return repository === named.repository && (!isTagged || tag === named.tag);
}
