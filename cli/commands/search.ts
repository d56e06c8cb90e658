/** `bay search`: images in a registry, as one of the nodes finds them. */
import { json } from 'node:stream/consumers';
import { hasReason } from '#api/resources/status.ts';
import { parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { filtersOf, some, truth } from '../filters.ts';
import { imageOptions, imagesPath, loginHeaders, nodeNames } from '../images.ts';
import { type Columns, renderRows } from '../listing.ts';

const options = {
  ...imageOptions,
  limit: { type: 'string' },
  filter: { type: 'string', short: 'f', multiple: true },
  format: { type: 'string' },
  'no-trunc': { type: 'boolean' },
  creds: { type: 'string' },
} as const;

interface Hit {
  readonly name: string;
  readonly description: string;
  readonly stars: number;
  readonly official: boolean;
}

const columns: Columns = [
  ['NAME', 'Name'],
  ['DESCRIPTION', 'Description'],
  ['STARS', 'StarCount'],
  ['OFFICIAL', 'IsOfficial'],
];

/** Docker cuts descriptions at 45 characters. */
const cut = (text: string, whole: boolean): string =>
  whole || text.length <= 45 ? text : `${text.slice(0, 44)}…`;

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  const [term] = positionals;
  if (term === undefined || positionals.length > 1) {
    throw new UsageError('say what to look for: bay search [REGISTRY/]WORD');
  }
  const filters = filtersOf(values.filter ?? [], ['stars', 'is-official']);
  const { limit = '25' } = values;
  if (!/^\d+$/.test(limit) || Number(limit) < 1 || Number(limit) > 100) {
    throw new UsageError(`--limit '${limit}': a number from 1 to 100`);
  }
  const headers = await loginHeaders(values.creds, term);
  const client = await openClient(values);
  try {
    const [node] = await nodeNames(client, values.node);
    if (node === undefined) throw new Error('the cluster has no node that could search');
    const path = imagesPath(node, `/search?${new URLSearchParams({ term, limit })}`);
    const stream = client.streamRequest('GET', path, undefined, { headers });
    const hits = (await stream.then(json).catch((error: unknown) => {
      if (hasReason(error, 'BadGateway')) throw new Error((error as Error).message);
      throw error;
    })) as readonly Hit[];
    const rows = hits
      .filter(
        ({ stars, official }) =>
          some(filters, 'stars', (least) => stars >= Number(least)) &&
          some(filters, 'is-official', (text) => truth('is-official', text) === official),
      )
      .map(({ name, description, stars, official }) => ({
        Name: name,
        Description: cut(description.replaceAll(/\s+/g, ' '), values['no-trunc'] === true),
        StarCount: String(stars),
        IsOfficial: official ? '[OK]' : '',
      }));
    process.stdout.write(`${renderRows(rows, columns, values.format)}\n`);
    return 0;
  } finally {
    client.close();
  }
}
