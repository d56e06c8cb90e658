/** The node's store of images as its agent tends it: what others are told of it, and what is removed. */
import { statfs } from 'node:fs/promises';
import type { ApiObject } from '#api/client/collection.ts';
import { containers } from '#api/resources/resource-types.ts';
import { ImageCollector, USUAL_POLICY } from '#node-agent/image/collector.ts';
import { volumeRoutes } from '../operations/volume-routes.ts';
import type { KeptContainers } from '../pod/kept-containers.ts';
import type { PodController } from '../pod/pod-controller.ts';
import { contentRoutes } from '../server/content-routes.ts';
import type { Call, Route } from '../server/node-api.ts';
import { systemRoutes } from '../server/system-routes.ts';
import { NamedVolumes } from '../volume/named-volumes.ts';
import type { AgentParts } from './agent.ts';
import { imagesInUse } from './images-in-use.ts';

/** For other nodes and for `bay system`; none when the images are no store. */
export function storeRoutes(
  { images, config, client }: AgentParts,
  pods: PodController,
  { kept, onChange }: { readonly kept: KeptContainers; readonly onChange: () => void },
): Route<Call>[] {
  const { shared, usage, prune } = images;
  if (shared === undefined || usage === undefined || prune === undefined) return [];
  const store = {
    usage: (used: ReadonlySet<string>) => usage.call(images, used),
    prune: (options: Parameters<typeof prune>[0]) => prune.call(images, options),
  };
  const documents = client.collection<ApiObject>(containers);
  const volumes = new NamedVolumes(config.dataDir);
  return [
    ...contentRoutes(shared),
    ...volumeRoutes({ volumes, documents: async () => (await documents.list()).items }),
    ...systemRoutes({
      images: store,
      used: async (more = []) =>
        imagesInUse(images, pods.pods(), [...more, ...(await atRest(kept))]),
      dataDir: config.dataDir,
      volumes,
      onChange,
    }),
  ];
}

/** What Containers that rest here stand on. */
const atRest = async (kept: KeptContainers): Promise<string[]> =>
  (await kept.all()).map(({ image }) => image);

export interface Collection {
  /** Removes every image that may go. */
  all(): Promise<unknown>;
  stop(): void;
}

/** Begins to look after the disk. */
export function collectImages(
  { images, config, log }: AgentParts,
  pods: PodController,
  kept: KeptContainers,
): Collection {
  const { discard } = images;
  if (discard === undefined) return { all: async () => undefined, stop: () => undefined };
  const { imageGCHighThresholdPercent, imageGCLowThresholdPercent, dataDir } = config;
  const { imageMaximumUnusedSeconds: unused } = config;
  const collector = new ImageCollector({
    policy: {
      ...USUAL_POLICY,
      highPercent: imageGCHighThresholdPercent ?? USUAL_POLICY.highPercent,
      lowPercent: imageGCLowThresholdPercent ?? USUAL_POLICY.lowPercent,
      ...(unused === undefined ? {} : { maxUnusedMs: unused * 1000 }),
    },
    discard: (choose) => discard.call(images, choose),
    used: async () => imagesInUse(images, pods.pods(), await atRest(kept)),
    diskPercent: async () => {
      const { blocks, bavail } = await statfs(dataDir);
      return ((blocks - bavail) * 100) / blocks;
    },
    now: Date.now,
    log,
  });
  collector.start();
  return { all: () => collector.runAll(), stop: () => collector.stop() };
}
