/** The controllers from their configuration to their end. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Subscription } from 'rxjs/internal/Subscription';
import { connect, type RemoteClient } from '#api/client/client.ts';
import { leases } from '#api/resources/resource-types.ts';
import { giveBackAtRest } from '#api/resources/rest.ts';
import type { Lease } from '#api/resources/types.ts';
import { remoteAccess } from './autoscaler/access.ts';
import { autoscalerController } from './autoscaler/controller.ts';
import { bootstrapTokenController } from './bootstrap-token/controller.ts';
import { certificatesController } from './certificates/controller.ts';
import { clusterRoleAggregationController } from './clusterrole-aggregation/controller.ts';
import { type Config, readConfig } from './config.ts';
import { containerController } from './container/controller.ts';
import { definitionsController } from './crds/install.ts';
import { cronJobController } from './cronjob/controller.ts';
import { daemonSetController } from './daemonset/controller.ts';
import { deploymentController } from './deployment/controller.ts';
import { disruptionController } from './disruption/controller.ts';
import {
  endpointSliceController,
  endpointSliceMirroringController,
  endpointsObjectController,
} from './endpoints/controller.ts';
import { garbageController } from './garbage/controller.ts';
import { gitSyncController } from './git-sync/controller.ts';
import { SourceReader } from './git-sync/source/reader.ts';
import { imageController } from './image/controller.ts';
import { remoteNodeImages } from './image/node-images.ts';
import { jobController } from './job/controller.ts';
import { namespaceController } from './namespace/controller.ts';
import { networkPolicyController } from './network-policy/controller.ts';
import { nodeCidrController } from './node-cidr/controller.ts';
import { nodeLifecycleController, taintEvictionController } from './node-lifecycle/controller.ts';
import { podGarbageController } from './pod-garbage/controller.ts';
import { replicaSetController, replicationControllerController } from './replicaset/controller.ts';
import { fenced } from './runtime/fence.ts';
import { Leadership, whileLeading } from './runtime/leadership.ts';
import { createLog, type Log } from './runtime/log.ts';
import { type Controller, runControllers } from './runtime/world.ts';
import { schedulerController } from './scheduler/controller.ts';
import { serviceRangeController } from './service-range/controller.ts';
import { serviceAccountController } from './serviceaccount/controller.ts';
import { snapshotController } from './snapshot/controller.ts';
import { statefulSetController } from './statefulset/controller.ts';
import { ttlAfterFinishedController } from './ttl-after-finished/controller.ts';
import { volumeControllers } from './volume/controller.ts';
import { ephemeralVolumeController } from './volume/ephemeral.ts';
import { remoteNodeVolumes } from './volume/node-volumes.ts';
import {
  claimProtectionController,
  volumeProtectionController,
} from './volume-protection/controller.ts';

/** All controllers: one line each. */
const controllersFor = (
  { ca, caKey, crds, repositories, clusterCidr, nodeGraceSeconds }: Config,
  client: RemoteClient,
): readonly Controller[] => [
  ...(clusterCidr === undefined ? [] : [nodeCidrController(clusterCidr)]),
  networkPolicyController,
  schedulerController,
  containerController,
  replicaSetController,
  replicationControllerController,
  daemonSetController,
  deploymentController,
  endpointSliceController,
  endpointsObjectController,
  endpointSliceMirroringController,
  disruptionController,
  autoscalerController(remoteAccess(client)),
  statefulSetController,
  jobController,
  cronJobController,
  ttlAfterFinishedController,
  definitionsController(crds),
  serviceAccountController(readFileSync(ca, 'utf8')),
  namespaceController,
  certificatesController(async () => {
    const [certificate, key] = await Promise.all([readFile(ca, 'utf8'), readFile(caKey, 'utf8')]);
    return { certificate, key };
  }),
  bootstrapTokenController,
  serviceRangeController,
  claimProtectionController,
  volumeProtectionController,
  ...volumeControllers(remoteNodeVolumes(client)),
  ephemeralVolumeController,
  clusterRoleAggregationController,
  nodeLifecycleController(nodeGraceSeconds && nodeGraceSeconds * 1_000),
  taintEvictionController,
  garbageController,
  podGarbageController,
  imageController(remoteNodeImages(client)),
  snapshotController,
  gitSyncController((world) => new SourceReader(world.client, repositories)),
];

/** Work under way may take this long to stop. */
const stopMs = 5_000;

/**
 * Waits for the API server, takes the lead, runs every controller until SIGTERM or SIGINT. Throws if the configuration
 * is wrong.
 */
export function runAll(configPath: string): void {
  giveBackAtRest();
  const log = createLog('controller');
  const config = readConfig(configPath);
  const client = connect(config, 'bayplan-controller');
  const leadership = new Leadership(client.collection<Lease>(leases), {
    namespace: 'kube-system',
    name: 'bayplan-controller',
    // The same after a restart: the keeper starts another only when the last has ended.
    identity: `${hostname()}_${configPath}`,
    onProblem: (error) => log.debug('lease was not renewed', { error }),
  });
  const guarded = fenced(client, () => leadership.isFresh);
  const controllers = controllersFor(config, guarded);
  const running = whileLeading(leadership.leading$, () => {
    log.info('leading');
    return runControllers(guarded, controllers, { log });
  }).subscribe({
    error: (error) => {
      log.error('controllers failed', { error });
      process.exit(1);
    },
  });
  const stop = () => void stopAll(running, leadership, log).then(() => process.exit(0));
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

async function stopAll(running: Subscription, leadership: Leadership, log: Log): Promise<void> {
  setTimeout(() => process.exit(0), stopMs).unref();
  running.unsubscribe();
  await leadership.release();
  log.info('stopped');
}
