/** Puts the agent together: takes over what runs, then registers the node, follows its pods and serves its API. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Subscription } from 'rxjs/internal/Subscription';
import type { Client } from '#api/client/collection.ts';
import * as types from '#api/resources/resource-types.ts';
import type { ConfigMap, Pod, Secret, Service, ServiceAccount } from '#api/resources/types.ts';
import type { Log } from '#controller/runtime/log.ts';
import type { ContainerRuntime } from '#node-agent/container/runtime.ts';
import { ensureBaseImage } from '#node-agent/image/ensure-base-image.ts';
import type { Images } from '#node-agent/image/images.ts';
import type { NodeImages } from '#node-agent/image/node-images.ts';
import type { PodNetwork } from '#node-agent/network/pod-network.ts';
import { operationRoutes } from '../operations/routes.ts';
import { drain } from '../pod/drain.ts';
import { ImagePulls } from '../pod/image-pulls.ts';
import { KeptContainers } from '../pod/kept-containers.ts';
import { volumesDir } from '../pod/paths.ts';
import { PodController } from '../pod/pod-controller.ts';
import { PodEvents } from '../pod/pod-events.ts';
import { StatusWriter } from '../pod/status-writer.ts';
import type { World } from '../pod/world.ts';
import { podDialer } from '../server/dial.ts';
import { imageRoutes } from '../server/image-routes.ts';
import { type Call, type NodeApi, type Route, sendJson, serveNodeApi } from '../server/node-api.ts';
import { podRoutes, streamRoutes } from '../server/pod-routes.ts';
import type { TmpfsMounts } from '../volume/empty-dir.ts';
import { ObjectSource } from '../volume/object-source.ts';
import { PodTokens } from '../volume/pod-tokens.ts';
import { Volumes } from '../volume/volumes.ts';
import type { AgentConfig } from './config.ts';
import { type MachineFacts, nodeAddress, readFacts, readPressure } from './facts.ts';
import { Registration } from './registration.ts';
import { Services } from './services.ts';
import { collectImages, storeRoutes } from './store.ts';

export interface AgentParts {
  readonly config: AgentConfig;
  readonly client: Client;
  readonly runtime: ContainerRuntime;
  readonly images: Images & Partial<NodeImages>;
  readonly network: PodNetwork;
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
  const services = new Services(client.collection<Service>(types.services));
  let registration: Registration | undefined;
  const reportImages = () => void registration?.reportNow();
  const world = worldOf(parts, facts, { services, onPulled: reportImages });
  const pods = new PodController(world);
  pods.adopt(adopted, onDisk);
  await world.kept.start(adopted.containers);
  const work = pods.start();
  work.add(() => services.close());
  work.add(collectImages(parts, pods));
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
  const configMaps = new ObjectSource(client.collection<ConfigMap>(types.configMaps));
  const secrets = new ObjectSource(client.collection<Secret>(types.secrets));
  const pods = client.collection<Pod>(types.pods);
  const events = new PodEvents(client, nodeName, log);
  return {
    node: { nodeName, hostname: facts.hostname, hostIPs: [address], cgroupRoot, capacity },
    paths: { dataDir },
    runtime,
    images,
    pulls: new ImagePulls({ images, secrets, events, now: Date.now, onPulled }),
    network,
    kept: new KeptContainers({ dataDir, client, record: (id) => runtime.get(id), log }),
    volumes: new Volumes({
      configMaps,
      secrets,
      tokens: new PodTokens(client.collection<ServiceAccount>(types.serviceAccounts)),
      mounts,
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
    log,
    now: Date.now,
  };
}

function identityOf({ config }: AgentParts, port: number) {
  const { nodeName, podCidr, labels = {}, bindAddress } = config;
  return { nodeName, podCidr, labels, port, address: nodeAddress(bindAddress) };
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
  const options = { pods, runtime, paths: { dataDir }, nodeName, dial };
  const [ca, cert, key] = await Promise.all(
    [config.ca, config.cert, config.key].map((path) => readFile(path, 'utf8')),
  );
  return serveNodeApi({
    bindAddress,
    port,
    tls: { ca: ca ?? '', cert: cert ?? '', key: key ?? '' },
    routes: [
      healthRoute,
      ...podRoutes(options),
      ...imageRoutes({ images, onChange: hooks.imagesChanged }),
      ...storeRoutes(parts, pods, hooks.imagesChanged),
      ...operationRoutes({ pods, runtime, images, kept: hooks.kept }, hooks.imagesChanged),
      shutdownRoute(hooks.shutDown),
    ],
    upgrades: streamRoutes(options),
    log,
  });
}

const healthRoute: Route<Call> = {
  method: 'GET',
  path: /^\/healthz(\/.*)?$/,
  answer: async ({ response }) => {
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.end('ok');
  },
};

const shutdownRoute = (shutDown: () => Promise<void>): Route<Call> => ({
  method: 'POST',
  path: /^\/shutdown$/,
  answer: async ({ response, query }) => {
    if (query.get('containers') === 'stop') await shutDown();
    sendJson(response, { stopped: true });
  },
});

/** Pods that have a directory or a log: an earlier life of the agent knew them. */
async function podsOnDisk(dataDir: string) {
  const [uids, logs] = await Promise.all([
    readdir(join(dataDir, 'pods')).catch(() => []),
    readdir(join(dataDir, 'log', 'pods')).catch(() => []),
  ]);
  const named = logs.map((entry) => {
    const [namespace = '', name = '', uid = ''] = entry.split('_');
    return { namespace, name, uid };
  });
  const known = new Set(named.map(({ uid }) => uid));
  const bare = uids.filter((uid) => !known.has(uid));
  return [...named, ...bare.map((uid) => ({ uid, namespace: '', name: '' }))];
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
  world.pulls.close();
  world.kept.close();
  world.status.close();
  world.events.close();
  world.configMaps.close();
  world.secrets.close();
  await api.close();
  parts.policies?.close();
  parts.runtime.close();
  parts.client.close();
}
