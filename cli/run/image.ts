/** The image of a container that is about to be made: brought if it is missing, and what it says of itself. */
import type { RemoteClient } from '#api/client/client.ts';
import { hasReason } from '#api/resources/status.ts';
import type { Container, Port } from '../container.ts';
import { errorText } from '../errors.ts';
import { fullName, imagesPath, loginHeaders, nodeNames, transfer } from '../images.ts';
import { Progress } from '../progress.ts';
import type { RunFlags } from './flags.ts';

/** What a node tells of an image, as far as it matters here. */
export interface InspectedImage {
  readonly Config?: { readonly ExposedPorts?: Readonly<Record<string, object>> };
}

/** As the first node has it that has it; undefined: none does. @throws when no node could be asked */
async function inspected(
  client: RemoteClient,
  nodes: readonly string[],
  image: string,
): Promise<InspectedImage | undefined> {
  const query = new URLSearchParams({ reference: image });
  const failures: unknown[] = [];
  for (const node of nodes) {
    try {
      const path = imagesPath(node, `/inspect?${query}`);
      return (await client.request('GET', path)) as InspectedImage;
    } catch (error) {
      if (!hasReason(error, 'NotFound')) failures.push(error);
    }
  }
  if (failures.length > 0 && failures.length === nodes.length) throw failures[0];
  return undefined;
}

/** To the first node that can; the others have it from that one (node-agent/image/peers). */
async function pull(
  client: RemoteClient,
  nodes: readonly string[],
  image: string,
  quiet: boolean,
): Promise<void> {
  const headers = await loginHeaders(undefined, image);
  const failures: unknown[] = [];
  for (const node of nodes) {
    // What is asked for on stdout is the container's ID alone.
    const progress = new Progress(process.stderr, 'pull');
    const path = imagesPath(node, `/pull?${new URLSearchParams({ reference: image })}`);
    try {
      await transfer(client, path, headers, (line) => {
        if (!quiet) progress.show(line);
      });
      return;
    } catch (error) {
      failures.push(error);
    }
  }
  throw failures[0];
}

/**
 * Docker's `--pull missing|always|never`, missing if not said: resolves with the image when a node has it; with nothing in a
 * cluster that has no node yet, and for users who may not ask the nodes: there it is pulled at the start. @throws Error when
 * it cannot be had, or is missing and may not be pulled
 */
export async function presentImage(
  client: RemoteClient,
  image: string,
  flags: Pick<RunFlags, 'pull' | 'quiet'>,
): Promise<InspectedImage | undefined> {
  try {
    return await pulledImage(client, image, flags);
  } catch (error) {
    // Who may make containers need not see the nodes.
    if ((flags.pull ?? 'missing') === 'missing' && hasReason(error, 'Forbidden')) return undefined;
    throw error;
  }
}

async function pulledImage(
  client: RemoteClient,
  image: string,
  { pull: policy = 'missing', quiet = false }: Pick<RunFlags, 'pull' | 'quiet'>,
): Promise<InspectedImage | undefined> {
  const nodes = await nodeNames(client, undefined);
  if (nodes.length === 0) return undefined;
  const found = policy === 'always' ? undefined : await inspected(client, nodes, image);
  if (found !== undefined) return found;
  if (policy === 'never') {
    throw new Error(`No such image: ${image}: no node has it, and --pull never forbids to pull it`);
  }
  if (policy === 'missing' && !quiet) {
    process.stderr.write(`Unable to find image '${image}' locally\n`);
  }
  try {
    await pull(client, nodes, image, quiet);
  } catch (error) {
    throw new Error(`pull ${fullName(image)}: ${errorText(error)}`, { cause: error });
  }
  return inspected(client, nodes, image);
}

/** `80/tcp`, and `8000-8002/udp` as some builders write it. */
function exposedPorts({ Config }: InspectedImage): Port[] {
  return Object.keys(Config?.ExposedPorts ?? {}).flatMap((text) => {
    const [, from = '', to = from, protocol = 'tcp'] =
      /^(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(text) ?? [];
    const [first, last] = [Number(from), Number(to)];
    if (first < 1 || last < first) return [];
    return Array.from({ length: last - first + 1 }, (_, step) => ({
      containerPort: first + step,
      ...(protocol === 'tcp' ? {} : { protocol: protocol.toUpperCase() }),
    }));
  });
}

const same = (a: Port, b: Port): boolean =>
  a.containerPort === b.containerPort && (a.protocol ?? 'TCP') === (b.protocol ?? 'TCP');

/** Pure: `-P`: what the image or the document exposes and does not publish yet gets a free port of the node. */
export function allPublished(container: Container, image: InspectedImage | undefined): Container {
  if (image === undefined) {
    throw new Error(`-P: no node could tell which ports ${container.spec.image} exposes: use -p`);
  }
  const own = container.spec.ports ?? [];
  const others = exposedPorts(image).filter((port) => !own.some((one) => same(one, port)));
  if (own.length + others.length === 0) return container;
  const ports = [...own, ...others].map((port) => ({ ...port, hostPort: port.hostPort ?? 0 }));
  return { ...container, spec: { ...container.spec, ports } };
}

/** With `-P`; other containers are made before their image is asked for. */
export async function withPublished(
  client: RemoteClient,
  container: Container,
  flags: RunFlags,
): Promise<Container> {
  if (flags['publish-all'] !== true) return container;
  return allPublished(container, await presentImage(client, container.spec.image, flags));
}
