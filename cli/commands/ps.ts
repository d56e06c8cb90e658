/** `bay ps`: containers as docker lists them. */
import { clientOptions, parse } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { type Container, containersOf } from '../container.ts';
import { renderTable } from '../table.ts';

const options = {
  ...clientOptions,
  all: { type: 'boolean', short: 'a' },
  quiet: { type: 'boolean', short: 'q' },
  'all-namespaces': { type: 'boolean', short: 'A' },
} as const;

const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

/** `3 minutes`, as docker words it. */
export function duration(seconds: number): string {
  for (const [unit, size] of units) {
    const count = Math.floor(seconds / size);
    if (count > 0) return `${count} ${unit}${count === 1 ? '' : 's'}`;
  }
  return 'less than a second';
}

const ago = (time: string | undefined): string =>
  time === undefined ? '' : duration((Date.now() - Date.parse(time)) / 1000);

function statusOf({ status }: Container): string {
  switch (status?.phase) {
    case 'running':
      return `Up ${ago(status.startedAt)}`;
    case 'exited':
      return `Exited (${status.exitCode ?? 0}) ${ago(status.finishedAt)} ago`;
    case undefined:
      return 'Created';
    default:
      return `${status?.phase?.charAt(0).toUpperCase()}${status?.phase?.slice(1)}`;
  }
}

function row(container: Container): string[] {
  const { spec, status, metadata } = container;
  const command = [...(spec.command ?? []), ...(spec.args ?? [])].join(' ').split('\n')[0] ?? '';
  const ports = (spec.ports ?? []).map(
    (port) => `${port.containerPort}/${(port.protocol ?? 'TCP').toLowerCase()}`,
  );
  return [
    (status?.containerID ?? '').slice(0, 12),
    spec.image,
    command.length > 24 ? `"${command.slice(0, 22)}…"` : `"${command}"`,
    `${ago(metadata.creationTimestamp)} ago`,
    statusOf(container),
    ports.join(', '),
    metadata.name,
  ];
}

const headings = ['CONTAINER ID', 'IMAGE', 'COMMAND', 'CREATED', 'STATUS', 'PORTS', 'NAMES'];

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parse(args, options);
  const client = await openClient(values);
  try {
    const everywhere = values['all-namespaces'] === true;
    const { items } = await containersOf(client).list(
      everywhere ? {} : { namespace: values.namespace ?? 'default' },
    );
    const shown = items.filter(
      ({ status }) =>
        values.all === true || !['exited', 'created', 'dead'].includes(status?.phase ?? ''),
    );
    const text =
      values.quiet === true
        ? shown.map(({ status }) => (status?.containerID ?? '').slice(0, 12)).join('\n')
        : renderTable(headings, shown.map(row));
    if (text !== '') process.stdout.write(`${text}\n`);
    return 0;
  } finally {
    client.close();
  }
}
