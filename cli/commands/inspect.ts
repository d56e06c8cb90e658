/** `bay inspect`: all that is known of containers, and of images where no container has the name. */
import type { RemoteClient } from '#api/client/client.ts';
import { hasReason } from '#api/resources/status.ts';
import { clientOptions, parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { errorText } from '../errors.ts';
import { tryFindContainer } from '../find-container.ts';
import { template } from '../format.ts';
import { askHolder } from '../local-image.ts';

const options = {
  ...clientOptions,
  format: { type: 'string', short: 'f' },
  type: { type: 'string' },
  node: { type: 'string' },
} as const;

type Kind = 'container' | 'image';

interface Asked {
  readonly kind: Kind | undefined;
  readonly namespace: string;
  readonly node: string | undefined;
}

const image = (client: RemoteClient, reference: string, { node }: Asked): Promise<unknown> =>
  askHolder(client, node, `/inspect?${new URLSearchParams({ reference })}`).catch(
    (error: unknown) => {
      // What is no name of an image is none that is here.
      if (hasReason(error, 'NotFound') || hasReason(error, 'BadRequest')) return undefined;
      throw error;
    },
  );

/** @throws Error in Docker's words when there is none */
async function find(client: RemoteClient, text: string, asked: Asked): Promise<unknown> {
  const { kind, namespace } = asked;
  const found =
    (kind === 'image' ? undefined : await tryFindContainer(client, text, namespace)) ??
    (kind === 'container' ? undefined : await image(client, text, asked));
  if (found !== undefined) return found;
  throw new Error(`No such ${kind ?? 'object'}: ${text}`);
}

function kindOf(text: string | undefined): Kind | undefined {
  if (text === undefined || text === 'container' || text === 'image') return text;
  throw new UsageError(`--type '${text}': container or image`);
}

/** One JSON document each, or what `--format` makes of it. */
export async function run(args: readonly string[], only?: Kind): Promise<number> {
  const { values, positionals } = parse(args, options);
  if (positionals.length === 0)
    throw new UsageError('name a container or an image: bay inspect NAME');
  const { namespace = 'default', node, format } = values;
  const show =
    format === undefined
      ? (value: unknown) => JSON.stringify(value, null, 2)
      : format === 'json'
        ? (value: unknown) => JSON.stringify(value)
        : template(format);
  const asked = { kind: only ?? kindOf(values.type), namespace, node };
  const client = await openClient(values);
  let code = 0;
  try {
    for (const text of positionals) {
      try {
        process.stdout.write(`${show(await find(client, text, asked))}\n`);
      } catch (error) {
        if (error instanceof UsageError) throw error;
        process.stderr.write(`bay: ${errorText(error)}\n`);
        code = 1;
      }
    }
    return code;
  } finally {
    client.close();
  }
}
