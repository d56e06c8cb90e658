/** Puts the agent together: takes over what runs, then registers the node, follows its pods and serves its API. */
import { readFile } from 'node:fs/promises';
import type { Subscription } from 'rxjs/internal/Subscription';
import type { Client } from '#api/client/collection.ts';
import { systemClock } from '#controller/runtime/clock.ts';
import type { Log } from '#controller/runtime/log.ts';
import type { ContainerRuntime } from '#node-agent/container/runtime.ts';
import { ensureBaseImage } from '#node-agent/image/ensure-base-image.ts';
import type { Images } from '#node-agent/image/images.ts';
import type { NodeImages } from '#node-agent/image/node-images.ts';
import { joinNetwork } from '#node-agent/network/cluster-network.ts';
import { ClusterView } from '#node-agent/network/cluster-view.ts';
import type { NodeNetwork, PodNetwork } from '#node-agent/network/pod-network.ts';
import { Evictions } from '../eviction/evictions.ts';
import { NodePressure } from '../eviction/node-pressure.ts';
import { maxPodGraceOf, type Signals, thresholdsOf } from '../eviction/thresholds.ts';
import { containerLogRoute } from '../operations/logs.ts';
import { operationRoutes, operationUpgrades } from '../operations/routes.ts';
import { drain } from '../pod/drain.ts';
import type { KeptContainers } from '../pod/kept-containers.ts';
import { persistentVolumesDir } from '../pod/paths.ts';
import { PodController } from '../pod/pod-controller.ts';
import { removeEndedLayers } from '../pod/take-down.ts';
import type { World } from '../pod/world.ts';
import { podDialer } from '../server/dial.ts';
import { imageRoutes } from '../server/image-routes.ts';
import { type NodeApi, serveNodeApi } from '../server/node-api.ts';
import { healthRoute, shutdownRoute } from '../server/node-routes.ts';
import { podRoutes, streamRoutes } from '../server/pod-routes.ts';
import { volumeRoute } from '../server/volume-route.ts';
import type { TmpfsMounts } from '../volume/empty-dir.ts';
import { type AgentConfig, namesOf } from './config.ts';
import { nodeAddress, readFacts, readSignals } from './facts.ts';
import { imageUsers } from './images-in-use.ts';
import { NodeEvents } from './node-events.ts';
import { podsOnDisk } from './pods-on-disk.ts';
import { Registration } from './registration.ts';
import { Services } from './services.ts';
import { type Collection, collectImages, storeRoutes } from './store.ts';
import { worldOf } from './world-of.ts';

export interface AgentParts {
  readonly config: AgentConfig;
  readonly client: Client;
  readonly runtime: ContainerRuntime;
  readonly images: Images & Partial<NodeImages>;
  readonly network: PodNetwork | NodeNetwork;
  readonly mounts: TmpfsMounts;
  /** What the images follow of the cluster. */
  readonly policies?: { close(): void };
  readonly log: Log;
  /** What the machine has left; absent: as the kernel says. */
  readonly readSignals?: () => Promise<Signals>;
  /** Takes away what is left of the node itself (bridge, cgroup) once all containers are gone. */
  readonly takeDown: () => Promise<void>;
}

export interface Agent {
  readonly port: number;
  readonly pods: PodController;
  readonly evictions: Evictions;
  /** Stops the agent; containers go on. */
  close(): Promise<void>;
}

/** Starts the agent. Resolves when it follows its pods and serves; the API server may come later. */
export async function startAgent(parts: AgentParts): Promise<Agent> {
  const { config, client, runtime, images, log } = parts;
  const [facts, adopted, onDisk] = await Promise.all([
    readFacts(config.dataDir),
    runtime.adopt(),
    podsOnDisk(config.dataDir),
    parts.network.start(),
    loadBaseImage(parts),
  ]);
  const view = new ClusterView(client, config.nodeName);
  const services = new Services(view.services);
  let registration: Registration | undefined;
  const reportNow = () => void registration?.reportNow();
  const pressure = pressureOf(config);
  const maxPodGrace = maxPodGraceOf(config);
  const world = worldOf(parts, facts, { services, pressure, onPulled: reportNow });
  const pods = new PodController(world);
  pods.adopt(adopted, onDisk);
  await world.kept.start(adopted.containers);
  const work = pods.start();
  work.add(() => view.close());
  const { nodeName, podCidr } = config;
  work.add(
    joinNetwork({ view, network: parts.network, nodeName, podCidr, names: namesOf(config), log }),
  );
  const collection = collectImages(parts, pods, world.kept);
  work.add(() => collection.stop());
  const events = new NodeEvents(client, nodeName, log);
  work.add(() => events.close());
  const evictions = evictionsOf({
    parts,
    pods,
    world,
    pressure,
    maxPodGrace,
    events,
    images: collection,
    onChange: reportNow,
  });
  work.add(() => evictions.stop());
  const imagesChanged = () => {
    pods.retryAll();
    reportNow();
  };
  const shutDown = async () => {
    await drain(world, pods);
    await parts.takeDown();
  };
  const api = await serve(parts, pods, { imagesChanged, shutDown, kept: world.kept });
  registration = new Registration({
    client,
    identity: identityOf(parts, api.port),
    report: async () => ({
      facts,
      pressure: pressure.conditions,
      images: await images.list(),
      now: Date.now(),
    }),
    events,
    log,
  });
  await evictions.start();
  registration.start();
  log.info('agent started', {
    node: config.nodeName,
    port: api.port,
    pods: adopted.sandboxes.length,
  });
  const end = () => close({ parts, work, registration, world, api });
  return { port: api.port, pods, evictions, close: end };
}

function pressureOf({
  evictionPressureTransitionPeriodSeconds: seconds,
  ...settings
}: AgentConfig): NodePressure {
  return new NodePressure(thresholdsOf(settings), seconds && seconds * 1000);
}

/** Looks after the disk and the memory. */
function evictionsOf(of: {
  readonly parts: AgentParts;
  readonly pods: PodController;
  readonly world: World;
  readonly pressure: NodePressure;
  readonly maxPodGrace: number;
  readonly events: NodeEvents;
  readonly images: Pick<Collection, 'all'>;
  readonly onChange: () => void;
}): Evictions {
  const { parts, pods, world, pressure, maxPodGrace, onChange } = of;
  return new Evictions({
    world,
    pods: () => pods.pods(),
    pressure,
    read: parts.readSignals ?? (() => readSignals(parts.config.dataDir)),
    reclaim: async () => {
      await removeEndedLayers(world);
      await of.images.all();
    },
    onShortage: (resource) => of.events.thresholdMet(resource),
    maxPodGrace,
    onChange,
    clock: systemClock,
  });
}

/** Without the built-in image other images still run: its absence is told and nothing more. */
async function loadBaseImage({ config, images, log }: AgentParts): Promise<void> {
  if (config.baseImage === undefined) return;
  await ensureBaseImage(images, config.baseImage).catch((error: unknown) => {
    log.warn('built-in image not loaded', { archive: config.baseImage, error });
  });
}

function identityOf({ config }: AgentParts, port: number) {
  const { nodeName, podCidr, labels = {}, bindAddress } = config;
  const own = {
    address: nodeAddress(bindAddress),
    persistentVolumes: persistentVolumesDir(config),
  };
  return { nodeName, podCidr, labels, port, ...own };
}

interface Hooks {
  readonly imagesChanged: () => void;
  readonly shutDown: () => Promise<void>;
  readonly kept: KeptContainers;
}

async function serve(parts: AgentParts, pods: PodController, hooks: Hooks): Promise<NodeApi> {
  const { config, runtime, images, network, log } = parts;
  const { nodeName, dataDir, bindAddress, port } = config;
  const dial = podDialer(parts.network);
  const { kept, imagesChanged: onChange } = hooks;
  const users = async () => imageUsers(images, pods.pods(), await kept.all());
  const options = { pods, runtime, paths: { dataDir }, nodeName, dial };
  const operations = { pods, runtime, images, kept, network };
  const [ca, cert, key] = await Promise.all(
    [config.ca, config.servingCert ?? config.cert, config.servingKey ?? config.key].map((path) =>
      readFile(path, 'utf8'),
    ),
  );
  return serveNodeApi({
    bindAddress,
    port,
    tls: { ca: ca ?? '', cert: cert ?? '', key: key ?? '' },
    routes: [
      healthRoute,
      ...podRoutes(options),
      ...imageRoutes({ images, users, onChange }),
      ...storeRoutes(parts, pods, { kept, onChange }),
      ...operationRoutes(operations, onChange),
      containerLogRoute({ ...options, kept }),
      volumeRoute(persistentVolumesDir({ dataDir })),
      shutdownRoute(hooks.shutDown),
    ],
    upgrades: [...streamRoutes(options), ...operationUpgrades(operations)],
    log,
  });
}

async function close(running: {
  readonly parts: AgentParts;
  readonly work: Subscription;
  readonly registration: Registration;
  readonly world: World;
  readonly api: NodeApi;
}): Promise<void> {
  const { parts, work, registration, world, api } = running;
  work.unsubscribe();
  registration.stop();
  const { pulls, kept, status, events, configMaps, secrets } = world;
  for (const part of [pulls, kept, status, events, configMaps, secrets]) part.close();
  await api.close();
  await parts.network.close();
  parts.policies?.close();
  await parts.images.close?.();
  parts.runtime.close();
  parts.client.close();
}
