/** `bay history`: the steps an image was made in, the newest first. */
import { parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { duration } from '../duration.ts';
import { humanSize, imageOptions, shortId } from '../images.ts';
import { type Columns, renderRows } from '../listing.ts';
import { askHolder } from '../local-image.ts';

const options = {
  ...imageOptions,
  quiet: { type: 'boolean', short: 'q' },
  'no-trunc': { type: 'boolean' },
  human: { type: 'string', short: 'H' },
  format: { type: 'string' },
} as const;

interface Step {
  readonly Id: string;
  readonly Created: number;
  readonly CreatedBy: string;
  readonly Size: number;
  readonly Comment: string;
}

/** As docker: `-H=false` tells exact times and sizes. */
const columnsOf = (isHuman: boolean): Columns => [
  ['IMAGE', 'ID'],
  isHuman ? ['CREATED', 'CreatedSince'] : ['CREATED AT', 'CreatedAt'],
  ['CREATED BY', 'CreatedBy'],
  ['SIZE', 'Size'],
  ['COMMENT', 'Comment'],
];

const cut = (text: string, whole: boolean): string =>
  whole || text.length <= 45 ? text : `${text.slice(0, 44)}…`;

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  const [reference] = positionals;
  if (reference === undefined || positionals.length > 1) {
    throw new UsageError('name one image: bay history IMAGE');
  }
  const whole = values['no-trunc'] === true;
  const client = await openClient(values);
  try {
    const path = `/history?${new URLSearchParams({ reference })}`;
    const steps = (await askHolder(client, values.node, path)) as readonly Step[];
    const id = ({ Id }: Step) => (whole || !Id.startsWith('sha') ? Id : shortId(Id));
    if (values.quiet === true) {
      process.stdout.write(steps.map((step) => `${id(step)}\n`).join(''));
      return 0;
    }
    const isHuman = !['false', '0'].includes(values.human ?? 'true');
    const rows = steps.map((step) => ({
      ID: id(step),
      CreatedAt: new Date(step.Created * 1000).toISOString().replace('.000', ''),
      CreatedSince:
        step.Created === 0 ? 'N/A' : `${duration(Date.now() / 1000 - step.Created)} ago`,
      CreatedBy: cut(step.CreatedBy, whole),
      Size: isHuman ? humanSize(step.Size) : String(step.Size),
      Comment: step.Comment,
    }));
    process.stdout.write(`${renderRows(rows, columnsOf(isHuman), values.format)}\n`);
    return 0;
  } finally {
    client.close();
  }
}
