/**
 * What a node's disk is used for, and the removal of what nobody uses:
 *
 *     GET  /system/df
 *     POST /system/prune/images?all=true&createdBefore=MILLISECONDS   {"keep": ["image", …]}
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { badRequest } from '#api/resources/status.ts';
import type { NodeImages } from '#node-agent/image/node-images.ts';
import { type NamedVolumes, treeBytes } from '../volume/named-volumes.ts';
import { type Call, type Route, sendJson } from './node-api.ts';

export interface SystemRoutesOptions {
  readonly images: Pick<NodeImages, 'usage' | 'prune'>;
  /** Digests of the images in use; `more` are names that must be kept besides. */
  readonly used: (more?: readonly string[]) => Promise<ReadonlySet<string>>;
  /** Where the pods' directories and what Containers keep are. */
  readonly dataDir: string;
  readonly volumes: NamedVolumes;
  /** Called when images went. */
  readonly onChange: () => void;
}

export function systemRoutes(options: SystemRoutesOptions): Route<Call>[] {
  return [
    {
      method: 'GET',
      path: /^\/system\/df$/,
      answer: async ({ response }) => {
        const images = await options.images.usage(await options.used());
        const [containers, volumes] = [
          await layersUsage(options.dataDir),
          await volumesUsage(options.volumes),
        ];
        sendJson(response, { images, containers, volumes });
      },
    },
    {
      method: 'POST',
      path: /^\/system\/prune\/images$/,
      answer: async ({ request, response, query }) => {
        const keep = keepOf(await json(request).catch(() => undefined));
        const before = query.get('createdBefore');
        const pruned = await options.images.prune({
          all: query.get('all') === 'true',
          used: await options.used(keep),
          ...(before === null ? {} : { createdBefore: Number(before) }),
        });
        options.onChange();
        sendJson(response, pruned);
      },
    },
  ];
}

/** @throws StatusError 400 */
function keepOf(body: unknown): readonly string[] {
  const keep = (body as { keep?: unknown } | undefined)?.keep ?? [];
  if (Array.isArray(keep) && keep.every((name) => typeof name === 'string')) return keep;
  throw badRequest('the body is {"keep": ["image", …]}');
}

/** The writable layers, one a container: those of Pods, and those that Containers keep. */
async function layersUsage(dataDir: string) {
  const uppers: string[] = [];
  for (const uid of await names(join(dataDir, 'pods'))) {
    const layers = join(dataDir, 'pods', uid, 'layers');
    for (const id of await names(layers)) uppers.push(join(layers, id, 'upper'));
  }
  for (const uid of await names(join(dataDir, 'containers')))
    uppers.push(join(dataDir, 'containers', uid, 'layer', 'upper'));
  return { total: uppers.length, sizeBytes: await sumOf(uppers) };
}

async function volumesUsage(volumes: NamedVolumes) {
  const usage = [];
  for (const { namespace, name, path } of await volumes.list())
    usage.push({ namespace, name, sizeBytes: await treeBytes(path) });
  return usage;
}

async function sumOf(directories: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const directory of directories) bytes += await treeBytes(directory);
  return bytes;
}

const names = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);
