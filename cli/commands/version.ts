/** `bay version`: what this program is, and what serves the cluster. */
import { clientOptions, parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { programVersion } from '../program-path.ts';

const options = {
  ...clientOptions,
  client: { type: 'boolean' },
  output: { type: 'string', short: 'o' },
} as const;

interface ServerVersion {
  readonly gitVersion: string;
  readonly platform: string;
}

/** Exit code 1 when there is no server to ask. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  if (positionals.length > 0) throw new UsageError('bay version takes no names');
  const { output } = values;
  if (output !== undefined && output !== 'json')
    throw new UsageError(`--output '${output}': there is 'json'`);
  const platform = `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const clientVersion = { gitVersion: `v${programVersion()}`, platform, node: process.version };
  const told = (server: object) =>
    process.stdout.write(`${JSON.stringify({ clientVersion, ...server }, null, 2)}\n`);
  if (output === undefined)
    process.stdout.write(
      `bay: ${clientVersion.gitVersion} (${platform}, Node ${process.version})\n`,
    );
  if (values.client === true) {
    if (output === 'json') told({});
    return 0;
  }
  const client = await openClient(values);
  try {
    const serverVersion = (await client.request('GET', '/version')) as ServerVersion;
    if (output === 'json') told({ serverVersion });
    else {
      const { gitVersion } = serverVersion;
      process.stdout.write(`server: ${gitVersion} (${client.credentials.server})\n`);
    }
    return 0;
  } finally {
    client.close();
  }
}
