/** The node's store of images as its agent tends it: what others are told of it, and what is removed. */
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { ImageCollector, USUAL_POLICY } from '#node-agent/image/collector.ts';
import type { PodController } from '../pod/pod-controller.ts';
import { contentRoutes } from '../server/content-routes.ts';
import type { Call, Route } from '../server/node-api.ts';
import { systemRoutes } from '../server/system-routes.ts';
import type { AgentParts } from './agent.ts';
import { imagesInUse } from './images-in-use.ts';

/** For other nodes and for `bay system`; none when the images are no store. */
export function storeRoutes(
  { images, config }: AgentParts,
  pods: PodController,
  onChange: () => void,
): Route<Call>[] {
  const { shared, usage, prune } = images;
  if (shared === undefined || usage === undefined || prune === undefined) return [];
  const store = {
    usage: (used: ReadonlySet<string>) => usage.call(images, used),
    prune: (options: Parameters<typeof prune>[0]) => prune.call(images, options),
  };
  return [
    ...contentRoutes(shared),
    ...systemRoutes({
      images: store,
      used: (more) => imagesInUse(images, pods.pods(), more),
      podsDir: join(config.dataDir, 'pods'),
      onChange,
    }),
  ];
}

/** Begins to look after the disk; the returned function ends it. */
export function collectImages(
  { images, config, log }: AgentParts,
  pods: PodController,
): () => void {
  const { discard } = images;
  if (discard === undefined) return () => {};
  const { imageGCHighThresholdPercent, imageGCLowThresholdPercent, dataDir } = config;
  const collector = new ImageCollector({
    policy: {
      ...USUAL_POLICY,
      highPercent: imageGCHighThresholdPercent ?? USUAL_POLICY.highPercent,
      lowPercent: imageGCLowThresholdPercent ?? USUAL_POLICY.lowPercent,
    },
    discard: (choose) => discard.call(images, choose),
    used: () => imagesInUse(images, pods.pods()),
    diskPercent: async () => {
      const { blocks, bavail } = await statfs(dataDir);
      return ((blocks - bavail) * 100) / blocks;
    },
    now: Date.now,
    log,
  });
  collector.start();
  return () => collector.stop();
}
