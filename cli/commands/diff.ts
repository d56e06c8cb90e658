/**
 * `bay diff`: what a container has changed of its image's files, as docker prints it; what differs between two images;
 * with `-f`, what applying documents would change.
 */
import type { RemoteClient } from '#api/client/client.ts';
import { clientOptions, parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import type { Selection } from '../documents/select.ts';
import { errorText } from '../errors.ts';
import { documentOf, filesPath } from '../files.ts';
import { askHolder } from '../local-image.ts';

const options = {
  ...clientOptions,
  container: { type: 'string', short: 'c' },
  node: { type: 'string' },
  filename: { type: 'string', short: 'f', multiple: true },
  kustomize: { type: 'string', short: 'k' },
  recursive: { type: 'boolean', short: 'R' },
} as const;

interface Change {
  readonly Path: string;
  readonly Kind: 0 | 1 | 2;
}

async function ofContainer(
  client: RemoteClient,
  {
    text,
    namespace,
    container,
  }: { text: string; namespace: string; container?: string | undefined },
): Promise<readonly Change[]> {
  const document = await documentOf(client, text, namespace);
  const of = { text: document, namespace, ...(container === undefined ? {} : { container }) };
  return (await client.request('GET', filesPath(of, 'changes'))) as readonly Change[];
}

/** On a node that has both. */
async function between(
  client: RemoteClient,
  images: { readonly from: string; readonly to: string },
  node: string | undefined,
): Promise<readonly Change[]> {
  const path = `/diff?${new URLSearchParams(images)}`;
  return (await askHolder(client, node, path)) as readonly Change[];
}

/** As kubectl: 0 nothing differs, 1 something does, more: a document is refused, or nobody answers. */
async function ofDocuments(client: RemoteClient, of: Selection, namespace: string) {
  try {
    return await differences(client, of, namespace);
  } catch (error) {
    process.stderr.write(`bay: ${errorText(error)}\n`);
    return 2;
  }
}

async function differences(client: RemoteClient, of: Selection, namespace: string) {
  const { manifestsOf } = await import('../documents/select.ts');
  const { documentDiff } = await import('../document-diff.ts');
  const { text, failed } = await documentDiff(client, await manifestsOf(of), namespace);
  process.stdout.write(text);
  if (failed > 0) return 2;
  return text === '' ? 0 : 1;
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  const { kustomize, recursive } = values;
  if (values.filename !== undefined || kustomize !== undefined) {
    const client = await openClient(values);
    try {
      const filename = [...(values.filename ?? []), ...positionals];
      const of = { words: [], filename, kustomize, recursive };
      return await ofDocuments(client, of, values.namespace ?? 'default');
    } finally {
      client.close();
    }
  }
  const [text, other] = positionals;
  if (text === undefined || positionals.length > 2) {
    throw new UsageError(
      'name one container or two images: bay diff [-c CONTAINER] NAME|pod/NAME or bay diff IMAGE IMAGE',
    );
  }
  const client = await openClient(values);
  try {
    const { container, namespace = 'default' } = values;
    const asked = { text, namespace, container };
    const changes =
      other === undefined
        ? await ofContainer(client, asked)
        : await between(client, { from: text, to: other }, values.node);
    process.stdout.write(changes.map(({ Kind, Path }) => `${'CAD'[Kind]} ${Path}\n`).join(''));
    return 0;
  } finally {
    client.close();
  }
}
