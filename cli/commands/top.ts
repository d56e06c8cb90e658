/** `bay top`: the processes of a container, as `ps` would show them. No program of the container is used for it. */
import { clientOptions, parseLeading, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { filesPath } from '../files.ts';
import { findContainer } from '../find-container.ts';
import { renderTable } from '../table.ts';

interface Processes {
  readonly Titles: readonly string[];
  readonly Processes: readonly (readonly string[])[];
}

const options = { ...clientOptions, container: { type: 'string', short: 'c' } } as const;

/** `bay top pods`, `bay top node n1`: kubectl's, unless a container is called so. */
const kinds = ['po', 'pod', 'pods', 'no', 'node', 'nodes'];

const firstWord = (args: readonly string[]): string =>
  args.find((arg, i) => !arg.startsWith('-') && !/^(-n|--[a-z-]+)$/.test(args[i - 1] ?? '')) ?? '';

export async function run(args: readonly string[]): Promise<number> {
  if (kinds.includes(firstWord(args))) {
    return (await import('../usage/metrics.ts')).topOf(args);
  }
  const { values, positionals, rest } = parseLeading(args, options, 1);
  const [text] = positionals;
  if (text === undefined) throw new UsageError('name the container: bay top NAME [PS-OPTIONS]');
  const { namespace = 'default', container } = values;
  const client = await openClient(values);
  try {
    const isPod = text.includes('/');
    const name = isPod ? text : (await findContainer(client, text, namespace)).metadata.name;
    const query = new URLSearchParams(rest.length === 0 ? {} : { ps_args: rest.join(' ') });
    const of = { text: name, namespace, ...(container === undefined ? {} : { container }) };
    const path = filesPath(of, 'top', query);
    const { Titles, Processes } = (await client.request('GET', path)) as Processes;
    process.stdout.write(`${renderTable(Titles, Processes)}\n`);
    return 0;
  } finally {
    client.close();
  }
}
