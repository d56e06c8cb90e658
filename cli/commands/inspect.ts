/** `bay inspect`: all that is known of containers, images and volumes, in docker's field names. */
import type { RemoteClient } from '#api/client/client.ts';
import { hasReason } from '#api/resources/status.ts';
import { clientOptions, parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { errorText } from '../errors.ts';
import { tryFindContainer } from '../find-container.ts';
import { template } from '../format.ts';
import { nodeNames } from '../images.ts';
import { dockerContainer } from '../inspect/container.ts';
import { factsOf } from '../inspect/facts.ts';
import { askHolder } from '../local-image.ts';
import { told, volumesOf } from '../volumes.ts';

const options = {
  ...clientOptions,
  format: { type: 'string', short: 'f' },
  type: { type: 'string' },
  size: { type: 'boolean', short: 's' },
  node: { type: 'string' },
} as const;

interface Asked {
  readonly namespace: string;
  readonly node: string | undefined;
  readonly size: boolean;
}

/** Gives undefined when there is none of the name. */
type Find = (client: RemoteClient, text: string, asked: Asked) => Promise<object | undefined>;

const container: Find = async (client, text, { namespace, size }) => {
  const found = await tryFindContainer(client, text, namespace);
  return found && dockerContainer(found, await factsOf(client, found, size));
};

const image: Find = (client, reference, { node }) =>
  askHolder(client, node, `/inspect?${new URLSearchParams({ reference })}`).then(
    (found) => found as object,
    (error: unknown) => {
      // What is no name of an image is none that is here.
      if (hasReason(error, 'NotFound') || hasReason(error, 'BadRequest')) return undefined;
      throw error;
    },
  );

const volume: Find = async (client, name, { namespace, node }) => {
  const all = await volumesOf(client, await nodeNames(client, node), namespace);
  const found = all.find((one) => one.name === name);
  return found && told(found);
};

/** In the order in which they are looked for. */
const kinds = { container, image, volume } as const;
type Kind = keyof typeof kinds;

/** @throws Error in Docker's words when there is none */
async function find(
  client: RemoteClient,
  text: string,
  asked: Asked & { readonly kind: Kind | undefined },
): Promise<object> {
  const { kind } = asked;
  for (const one of kind === undefined ? Object.values(kinds) : [kinds[kind]]) {
    const found = await one(client, text, asked);
    if (found !== undefined) return found;
  }
  throw new Error(`No such ${kind ?? 'object'}: ${text}`);
}

function kindOf(text: string | undefined): Kind | undefined {
  if (text === undefined || Object.hasOwn(kinds, text)) return text as Kind | undefined;
  throw new UsageError(`--type '${text}': container, image or volume`);
}

/** All of them as one JSON array, or a line of each. */
function shownAs(format: string | undefined): (found: readonly object[]) => string {
  if (format === undefined) return (found) => `${JSON.stringify(found, null, 4)}\n`;
  if (format === 'json') return (found) => `${JSON.stringify(found)}\n`;
  const one = template(format);
  return (found) => found.map((value) => `${one(value)}\n`).join('');
}

export async function run(args: readonly string[], only?: Kind): Promise<number> {
  const { values, positionals } = parse(args, options);
  if (positionals.length === 0)
    throw new UsageError('name a container, an image or a volume: bay inspect NAME');
  const { namespace = 'default', node, size = false } = values;
  const show = shownAs(values.format);
  const asked = { kind: only ?? kindOf(values.type), namespace, node, size };
  const client = await openClient(values);
  const found: object[] = [];
  try {
    for (const text of positionals) {
      try {
        found.push(await find(client, text, asked));
      } catch (error) {
        if (error instanceof UsageError) throw error;
        process.stderr.write(`bay: ${errorText(error)}\n`);
      }
    }
    process.stdout.write(show(found));
    return found.length === positionals.length ? 0 : 1;
  } finally {
    client.close();
  }
}
