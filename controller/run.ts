/** The controllers from their configuration to their end. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Subscription } from 'rxjs/internal/Subscription';
import { connect, type RemoteClient } from '#api/client/client.ts';
import { leases } from '#api/resources/resource-types.ts';
import { giveBackAtRest } from '#api/resources/rest.ts';
import type { Lease } from '#api/resources/types.ts';
import { clusterRoleAggregationController } from './clusterrole-aggregation/controller.ts';
import { type Config, readConfig } from './config.ts';
import { containerController } from './container/controller.ts';
import { definitionsController } from './crds/install.ts';
import { deploymentController } from './deployment/controller.ts';
import { garbageController } from './garbage/controller.ts';
import { imageController } from './image/controller.ts';
import { remoteNodeImages } from './image/node-images.ts';
import { namespaceController } from './namespace/controller.ts';
import { nodeLifecycleController, taintEvictionController } from './node-lifecycle/controller.ts';
import { replicaSetController } from './replicaset/controller.ts';
import { Leadership, whileLeading } from './runtime/leadership.ts';
import { createLog, type Log } from './runtime/log.ts';
import { type Controller, runControllers } from './runtime/world.ts';
import { schedulerController } from './scheduler/controller.ts';
import { serviceAccountController } from './serviceaccount/controller.ts';
import { snapshotController } from './snapshot/controller.ts';

/** All controllers: one line each. */
const controllersFor = ({ ca, crds }: Config, client: RemoteClient): readonly Controller[] => [
  schedulerController,
  containerController,
  replicaSetController,
  deploymentController,
  definitionsController(crds),
  serviceAccountController(readFileSync(ca, 'utf8')),
  namespaceController,
  clusterRoleAggregationController,
  nodeLifecycleController,
  taintEvictionController,
  garbageController,
  imageController(remoteNodeImages(client)),
  snapshotController,
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
  const controllers = controllersFor(config, client);
  const leadership = new Leadership(client.collection<Lease>(leases), {
    namespace: 'kube-system',
    name: 'bayplan-controller',
    // The same after a restart: the keeper starts another only when the last has ended.
    identity: `${hostname()}_${configPath}`,
    onProblem: (error) => log.debug('lease was not renewed', { error }),
  });
  const running = whileLeading(leadership.leading$, () => {
    log.info('leading');
    return runControllers(client, controllers, { log });
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
