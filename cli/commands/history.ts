/** `bay history`: the steps an image was made in, the newest first. */
import { parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { duration } from '../duration.ts';
import { humanSize, imageOptions, shortId } from '../images.ts';
import { askHolder } from '../local-image.ts';
import { renderTable } from '../table.ts';

const options = {
  ...imageOptions,
  quiet: { type: 'boolean', short: 'q' },
  'no-trunc': { type: 'boolean' },
} as const;

interface Step {
  readonly Id: string;
  readonly Created: number;
  readonly CreatedBy: string;
  readonly Size: number;
  readonly Comment: string;
}

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
    const cells = steps.map((step) => [
      id(step),
      step.Created === 0 ? 'N/A' : `${duration(Date.now() / 1000 - step.Created)} ago`,
      cut(step.CreatedBy, whole),
      humanSize(step.Size),
      step.Comment,
    ]);
    const headings = ['IMAGE', 'CREATED', 'CREATED BY', 'SIZE', 'COMMENT'];
    process.stdout.write(`${renderTable(headings, cells)}\n`);
    return 0;
  } finally {
    client.close();
  }
}
