/** `bay images`: what the nodes hold, as `docker images` shows it. */
import { parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { filtersOf } from '../filters.ts';
import {
  filteredImages,
  fits,
  imageColumns,
  imageFilters,
  imageRow,
  type NamedImage,
  named,
} from '../image-rows.ts';
import { imageOptions, imagesOf, nodeNames } from '../images.ts';
import { renderRows } from '../listing.ts';

const options = {
  ...imageOptions,
  // Docker hides intermediate images without it; there are none here.
  all: { type: 'boolean', short: 'a' },
  quiet: { type: 'boolean', short: 'q' },
  'no-trunc': { type: 'boolean' },
  digests: { type: 'boolean' },
  filter: { type: 'string', short: 'f', multiple: true },
  format: { type: 'string' },
} as const;

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  if (positionals.length > 1) throw new UsageError('name at most one repository or image');
  const filters = filtersOf(values.filter ?? [], imageFilters);
  const client = await openClient(values);
  try {
    const nodes = await nodeNames(client, values.node);
    const all: NamedImage[] = [];
    for (const node of nodes) {
      const images = await imagesOf(client, node);
      all.push(...images.flatMap((image) => named(image, node)));
    }
    const wanted = filteredImages(all, filters, Date.now()).filter((one) =>
      fits(one, positionals[0]),
    );
    wanted.sort((a, b) => (b.image.createdAt ?? '').localeCompare(a.image.createdAt ?? ''));
    const rows = wanted.map((one) => imageRow(one, values['no-trunc'] === true));
    if (values.quiet === true) {
      const ids = new Set(rows.map(({ ID }) => ID));
      process.stdout.write([...ids].map((id) => `${id}\n`).join(''));
      return 0;
    }
    const shown = { digests: values.digests === true, nodes: nodes.length > 1 };
    const text = renderRows(rows, imageColumns(shown), values.format);
    if (text !== '') process.stdout.write(`${text}\n`);
    return 0;
  } finally {
    client.close();
  }
}
