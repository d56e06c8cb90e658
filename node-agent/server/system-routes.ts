/**
 * What a node's disk is used for, and the removal of what nobody uses:
 *
 *     GET  /system/df
 *     POST /system/prune/images?all=true&createdBefore=MILLISECONDS   {"keep": ["image", …]}
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { badRequest } from '#api/resources/status.ts';
import type { NodeImages } from '#node-agent/image/node-images.ts';
import { type Call, type Route, sendJson } from './node-api.ts';

export interface SystemRoutesOptions {
  readonly images: Pick<NodeImages, 'usage' | 'prune'>;
  /** Digests of the images in use; `more` are names that must be kept besides. */
  readonly used: (more?: readonly string[]) => Promise<ReadonlySet<string>>;
  /** Where the pods' directories are. */
  readonly podsDir: string;
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
        sendJson(response, { images, containers: await layersUsage(options.podsDir) });
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

/** The writable layers, one a container. */
async function layersUsage(podsDir: string) {
  const sizes: number[] = [];
  for (const uid of await names(podsDir)) {
    const layers = join(podsDir, uid, 'layers');
    for (const id of await names(layers)) sizes.push(await treeBytes(join(layers, id, 'upper')));
  }
  return { total: sizes.length, sizeBytes: sizes.reduce((sum, size) => sum + size, 0) };
}

const names = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);

async function treeBytes(directory: string): Promise<number> {
  let bytes = 0;
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) bytes += await treeBytes(path);
    else if (entry.isFile()) bytes += (await stat(path).catch(() => undefined))?.size ?? 0;
  }
  return bytes;
}
