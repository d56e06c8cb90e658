/** `bay port`: where a container's ports can be reached on its node. */
import { clientOptions, parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { type Container, portsOf } from '../container.ts';
import { findContainer } from '../find-container.ts';

interface Published {
  readonly inside: string;
  readonly outside: string;
}

/** Pure: `80/tcp` and `0.0.0.0:8080`, in the order of the ports inside. */
export function published(container: Container): Published[] {
  return portsOf(container)
    .filter(({ hostPort }) => hostPort !== undefined)
    .map((port) => ({ ...port, protocol: (port.protocol ?? 'TCP').toLowerCase() }))
    .sort((a, b) => a.containerPort - b.containerPort || a.protocol.localeCompare(b.protocol))
    .map(({ containerPort, protocol, hostIP = '0.0.0.0', hostPort }) => ({
      inside: `${containerPort}/${protocol}`,
      outside: `${hostIP.includes(':') ? `[${hostIP}]` : hostIP}:${hostPort}`,
    }));
}

/** `80` is `80/tcp`. */
function wanted(text: string): string {
  const match = /^(\d+)(?:\/(tcp|udp|sctp))?$/i.exec(text);
  const number = Number(match?.[1]);
  if (match === null || number < 1 || number > 65_535) {
    throw new UsageError(`invalid port '${text}': write PORT[/tcp|udp|sctp]`);
  }
  return `${number}/${(match[2] ?? 'tcp').toLowerCase()}`;
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, clientOptions);
  const [text, port] = positionals;
  if (text === undefined || positionals.length > 2) {
    throw new UsageError('name one container: bay port NAME [PORT[/PROTOCOL]]');
  }
  const asked = port === undefined ? undefined : wanted(port);
  const client = await openClient(values);
  try {
    const all = published(await findContainer(client, text, values.namespace ?? 'default'));
    const found = all.filter(({ inside }) => asked === undefined || inside === asked);
    if (asked !== undefined && found.length === 0) {
      throw new Error(`no public port '${port}' published for ${text}`);
    }
    const line = ({ inside, outside }: Published) =>
      asked === undefined ? `${inside} -> ${outside}\n` : `${outside}\n`;
    process.stdout.write(found.map(line).join(''));
    return 0;
  } finally {
    client.close();
  }
}
