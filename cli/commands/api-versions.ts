/** `bay api-versions`: the groups and versions that the server has. */
import { withClient } from '../documents/each.ts';
import { clientFlags, parseFlags } from '../documents/flags.ts';

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseFlags('api-versions', args, clientFlags);
  const versions = await withClient(values, async (client) => {
    const { groups } = (await client.request('GET', '/apis')) as {
      groups: { versions: { groupVersion: string }[] }[];
    };
    const { versions: core } = (await client.request('GET', '/api')) as { versions: string[] };
    return [
      ...core,
      ...groups.flatMap((one) => one.versions.map(({ groupVersion }) => groupVersion)),
    ];
  });
  process.stdout.write(
    versions
      .sort()
      .map((version) => `${version}\n`)
      .join(''),
  );
  return 0;
}
