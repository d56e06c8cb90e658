/** `bay rmi`: takes names away from images; content nobody names or uses any more goes with the last. */
import type { RemoteClient } from '#api/client/client.ts';
import { hasReason, StatusError } from '#api/resources/status.ts';
import { parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { errorText } from '../errors.ts';
import { imageOptions, imagesPath, nodeNames, shortName } from '../images.ts';

const options = { ...imageOptions, force: { type: 'boolean', short: 'f' } } as const;

interface Removed {
  readonly untagged: readonly string[];
  readonly deleted: readonly string[];
}

/** What went on all nodes, and what was said against it. */
interface Outcome {
  readonly untagged: Set<string>;
  readonly deleted: Set<string>;
  readonly problems: Set<string>;
}

/** As docker lists images: without the usual registry. */
function shown(name: string): string {
  const { repository, tag } = shortName(name);
  return `${repository}:${tag}`;
}

async function remove(
  client: RemoteClient,
  nodes: readonly string[],
  asked: { readonly reference: string; readonly force: boolean },
): Promise<Outcome> {
  const { reference, force } = asked;
  const outcome: Outcome = { untagged: new Set(), deleted: new Set(), problems: new Set() };
  let found = false;
  for (const node of nodes) {
    const path = imagesPath(node, `/${encodeURIComponent(reference)}?force=${force}`);
    try {
      const { untagged, deleted } = (await client.request('DELETE', path)) as Removed;
      for (const name of untagged) outcome.untagged.add(name);
      for (const id of deleted) outcome.deleted.add(id);
      found = true;
    } catch (error) {
      if (hasReason(error, 'NotFound')) continue;
      outcome.problems.add(error instanceof StatusError ? error.message : errorText(error));
    }
  }
  const missing = !found && outcome.problems.size === 0 && !force;
  if (missing) outcome.problems.add(`No such image: ${reference}`);
  return outcome;
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  if (positionals.length === 0) throw new UsageError('name the images: bay rmi [-f] IMAGE…');
  const force = values.force === true;
  const client = await openClient(values);
  let code = 0;
  try {
    const nodes = await nodeNames(client, values.node);
    for (const reference of positionals) {
      const { untagged, deleted, problems } = await remove(client, nodes, { reference, force });
      process.stdout.write([...untagged].map((name) => `Untagged: ${shown(name)}\n`).join(''));
      process.stdout.write([...deleted].map((id) => `Deleted: ${id}\n`).join(''));
      process.stderr.write([...problems].map((problem) => `bay: ${problem}\n`).join(''));
      if (problems.size > 0) code = 1;
    }
    return code;
  } finally {
    client.close();
  }
}
