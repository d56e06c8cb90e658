/** Puts the agent together: takes over what runs, then registers the node, follows its pods and serves its API. */
import { readFile } from 'node:fs/promises';
import type { Subscription } from 'rxjs/internal/Subscription';
import type { Client } from '#api/client/collection.ts';
import * as types from '#api/resources/resource-types.ts';
import type { ConfigMap, Pod, Secret, ServiceAccount } from '#api/resources/types.ts';
import type { Log } from '#controller/runtime/log.ts';
import type { ContainerRuntime } from '#node-agent/container/runtime.ts';
import { ensureBaseImage } from '#node-agent/image/ensure-base-image.ts';
import type { Images } from '#node-agent/image/images.ts';
import type { NodeImages } from '#node-agent/image/node-images.ts';
import { joinNetwork } from '#node-agent/network/cluster-network.ts';
import { ClusterView } from '#node-agent/network/cluster-view.ts';
import type { NodeNetwork, PodNetwork } from '#node-agent/network/pod-network.ts';
import { containerLogRoute } from '../operations/logs.ts';
import { finishRollback as recover } from '../operations/rollback.ts';
import { operationRoutes, operationUpgrades } from '../operations/routes.ts';
import { drain } from '../pod/drain.ts';
import { ImagePulls } from '../pod/image-pulls.ts';
import { KeptContainers } from '../pod/kept-containers.ts';
import { persistentVolumesDir, volumesDir } from '../pod/paths.ts';
import { PodController } from '../pod/pod-controller.ts';
import { PodEvents } from '../pod/pod-events.ts';
import { StatusWriter } from '../pod/status-writer.ts';
import type { World } from '../pod/world.ts';
import { podDialer } from '../server/dial.ts';
import { imageRoutes } from '../server/image-routes.ts';
import { type NodeApi, serveNodeApi } from '../server/node-api.ts';
import { healthRoute, shutdownRoute } from '../server/node-routes.ts';
import { podRoutes, streamRoutes } from '../server/pod-routes.ts';
import { volumeRoute } from '../server/volume-route.ts';
import { claimSource } from '../volume/claim.ts';
import type { TmpfsMounts } from '../volume/empty-dir.ts';
import { ObjectSource } from '../volume/object-source.ts';
import { PodTokens } from '../volume/pod-tokens.ts';
import { Volumes } from '../volume/volumes.ts';
import { type AgentConfig, namesOf } from './config.ts';
import { type MachineFacts, nodeAddress, readFacts, readPressure } from './facts.ts';
import { imageUsers } from './images-in-use.ts';
import { podsOnDisk } from './pods-on-disk.ts';
import { Registration } from './registration.ts';
import { Services } from './services.ts';
import { collectImages, storeRoutes } from './store.ts';

/** `kube-root-ca.crt` is in every pod: the next one starts without asking for it. */
const configMapLingerMs = 60_000;

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
  /** Takes away what is left of the node itself (bridge, cgroup) once all containers are gone. */
  readonly takeDown: () => Promise<void>;
}

export interface Agent {
  readonly port: number;
  readonly pods: PodController;
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
  const reportImages = () => void registration?.reportNow();
  const world = worldOf(parts, facts, { services, onPulled: reportImages });
  const pods = new PodController(world);
  pods.adopt(adopted, onDisk);
  await world.kept.start(adopted.containers);
  const work = pods.start();
  work.add(() => view.close());
  const { nodeName, podCidr } = config;
  work.add(
    joinNetwork({ view, network: parts.network, nodeName, podCidr, names: namesOf(config), log }),
  );
  work.add(collectImages(parts, pods, world.kept));
  const imagesChanged = () => {
    pods.retryAll();
    reportImages();
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
      pressure: await readPressure(config.dataDir),
      images: await images.list(),
      now: Date.now(),
    }),
    log,
  });
  registration.start();
  log.info('agent started', {
    node: config.nodeName,
    port: api.port,
    pods: adopted.sandboxes.length,
  });
  return { port: api.port, pods, close: () => close({ parts, work, registration, world, api }) };
}

/** Without the built-in image other images still run: its absence is told and nothing more. */
async function loadBaseImage({ config, images, log }: AgentParts): Promise<void> {
  if (config.baseImage === undefined) return;
  await ensureBaseImage(images, config.baseImage).catch((error: unknown) => {
    log.warn('built-in image not loaded', { archive: config.baseImage, error });
  });
}

interface Hints {
  readonly services: Services;
  readonly onPulled: () => void;
}

function worldOf(parts: AgentParts, facts: MachineFacts, { services, onPulled }: Hints): World {
  const { config, client, runtime, images, network, mounts, log } = parts;
  const { dataDir, nodeName, cgroupRoot } = config;
  const address = nodeAddress(config.bindAddress);
  const capacity = { cpuMillis: facts.cpuCount * 1000, memoryBytes: facts.memoryBytes };
  const configMaps = new ObjectSource(client.collection<ConfigMap>(types.configMaps), {
    lingerMs: configMapLingerMs,
  });
  const secrets = new ObjectSource(client.collection<Secret>(types.secrets));
  const pods = client.collection<Pod>(types.pods);
  const events = new PodEvents(client, nodeName, log);
  return {
    node: {
      nodeName,
      hostname: facts.hostname,
      hostIPs: [address],
      cgroupRoot,
      capacity,
      names: namesOf(config),
    },
    paths: { dataDir },
    runtime,
    images,
    pulls: new ImagePulls({ images, secrets, events, now: Date.now, onPulled }),
    network,
    kept: new KeptContainers({ dataDir, client, record: (id) => runtime.get(id), log, recover }),
    volumes: new Volumes({
      configMaps,
      secrets,
      tokens: new PodTokens(client.collection<ServiceAccount>(types.serviceAccounts)),
      mounts,
      claims: claimSource(client),
      persistentVolumes: persistentVolumesDir({ dataDir }),
      dirOf: (uid) => volumesDir({ dataDir }, uid),
      facts: { hostIP: address, allocatable: capacity },
      onProblem: (uid, error) => log.warn('volume not updated', { uid, error }),
    }),
    pods,
    configMaps,
    secrets,
    servicesFor: (namespace) => services.of(namespace),
    status: new StatusWriter(pods, log),
    events,
    states: new Map(),
    log,
    now: Date.now,
  };
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
  const { config, runtime, images, log } = parts;
  const { nodeName, dataDir, bindAddress, port } = config;
  const dial = podDialer(parts.network);
  const { kept, imagesChanged: onChange } = hooks;
  const users = async () => imageUsers(images, pods.pods(), await kept.all());
  const options = { pods, runtime, paths: { dataDir }, nodeName, dial };
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
      ...operationRoutes({ pods, runtime, images, kept }, onChange),
      containerLogRoute({ ...options, kept }),
      volumeRoute(persistentVolumesDir({ dataDir })),
      shutdownRoute(hooks.shutDown),
    ],
    upgrades: [...streamRoutes(options), ...operationUpgrades({ pods, runtime, images, kept })],
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
  parts.policies?.close();
  await parts.images.close?.();
  parts.runtime.close();
  parts.client.close();
}
