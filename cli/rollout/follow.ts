/** `bay rollout status`: tells how far a roll-out is until it is done. */
import type { RemoteClient } from '#api/client/client.ts';
import type { ApiObject } from '#api/client/collection.ts';
import { numberOr, objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { watchUntil } from '../await-healthy.ts';
import type { Found } from '../documents/select.ts';
import { objectLabel } from '../object-name.ts';
import { countIn, isKind, notSupported, specOf, statusOf } from './kinds.ts';

interface Progress {
  readonly text: string;
  readonly isDone: boolean;
  readonly failure?: string;
}

const going = (text: string): Progress => ({ text, isDone: false });

const isSeen = (object: KubeObject): boolean =>
  (object.metadata.generation ?? 0) <= countIn(statusOf(object), 'observedGeneration');

function ofDeployment(object: KubeObject): Progress {
  const name = object.metadata.name;
  if (!isSeen(object)) return going('Waiting for deployment spec update to be observed...\n');
  const status = statusOf(object);
  const late = objectsOf(status['conditions']).find(
    ({ type, reason }) => type === 'Progressing' && reason === 'ProgressDeadlineExceeded',
  );
  if (late !== undefined) {
    const failure = `deployment "${name}" exceeded its progress deadline; 'bay why deployment/${name}' tells the cause`;
    return { text: '', isDone: false, failure };
  }
  const wanted = specOf(object)['replicas'];
  const updated = countIn(status, 'updatedReplicas');
  const replicas = countIn(status, 'replicas');
  const available = countIn(status, 'availableReplicas');
  const waiting = `Waiting for deployment "${name}" rollout to finish: `;
  if (typeof wanted === 'number' && updated < wanted) {
    return going(`${waiting}${updated} out of ${wanted} new replicas have been updated...\n`);
  }
  if (replicas > updated) {
    return going(`${waiting}${replicas - updated} old replicas are pending termination...\n`);
  }
  if (available < updated) {
    return going(`${waiting}${available} of ${updated} updated replicas are available...\n`);
  }
  return { text: `deployment "${name}" successfully rolled out\n`, isDone: true };
}

function ofDaemonSet(object: KubeObject): Progress {
  const name = object.metadata.name;
  if (!isSeen(object)) return going('Waiting for daemon set spec update to be observed...\n');
  const status = statusOf(object);
  const updated = countIn(status, 'updatedNumberScheduled');
  const wanted = countIn(status, 'desiredNumberScheduled');
  const available = countIn(status, 'numberAvailable');
  const waiting = `Waiting for daemon set "${name}" rollout to finish: `;
  if (updated < wanted) {
    return going(`${waiting}${updated} out of ${wanted} new pods have been updated...\n`);
  }
  if (available < wanted) {
    return going(`${waiting}${available} of ${wanted} updated pods are available...\n`);
  }
  return { text: `daemon set "${name}" successfully rolled out\n`, isDone: true };
}

function ofStatefulSet(object: KubeObject): Progress {
  const observed = countIn(statusOf(object), 'observedGeneration');
  if (observed === 0 || !isSeen(object)) {
    return going('Waiting for statefulset spec update to be observed...\n');
  }
  const spec = specOf(object);
  const status = statusOf(object);
  const wanted = spec['replicas'];
  const ready = countIn(status, 'readyReplicas');
  const updated = countIn(status, 'updatedReplicas');
  if (typeof wanted === 'number' && ready < wanted) {
    return going(`Waiting for ${wanted - ready} pods to be ready...\n`);
  }
  const { rollingUpdate } = objectOr(spec['updateStrategy']);
  const partition = numberOr(objectOr(rollingUpdate)['partition']);
  if (partition > 0 && typeof wanted === 'number') {
    if (updated < wanted - partition) {
      return going(
        `Waiting for partitioned roll out to finish: ${updated} out of ${wanted - partition} new pods have been updated...\n`,
      );
    }
    return {
      text: `partitioned roll out complete: ${updated} new pods have been updated...\n`,
      isDone: true,
    };
  }
  if (status['updateRevision'] !== status['currentRevision']) {
    return going(
      `waiting for statefulset rolling update to complete ${updated} pods at revision ${status['updateRevision']}...\n`,
    );
  }
  return {
    text: `statefulset rolling update complete ${countIn(status, 'currentReplicas')} pods at revision ${status['currentRevision']}...\n`,
    isDone: true,
  };
}

function progressOf(found: Found, object: KubeObject): Progress {
  if (isKind(found, 'Deployment')) return ofDeployment(object);
  return isKind(found, 'DaemonSet') ? ofDaemonSet(object) : ofStatefulSet(object);
}

function check(found: Found): void {
  if (!isKind(found, 'Deployment', 'DaemonSet', 'StatefulSet')) {
    throw notSupported(found, 'rollout status');
  }
  const { type: strategy } = objectOr(specOf(found.object)['updateStrategy']);
  if (found.type.kind !== 'Deployment' && strategy === 'OnDelete') {
    throw new Error('rollout status is only available for RollingUpdate strategy type');
  }
}

/** Tells each change once. @throws Error if it has failed, is deleted, or the signal aborts first */
export async function followRollout(
  client: RemoteClient,
  found: Found,
  { isOnce, signal }: { readonly isOnce: boolean; readonly signal: AbortSignal | undefined },
): Promise<void> {
  check(found);
  const label = objectLabel(found.type, found.name);
  let last = '';
  let failure: string | undefined;
  const isDecided = (object: ApiObject | undefined): boolean => {
    if (object === undefined) failure = 'object has been deleted';
    if (object === undefined) return true;
    const progress = progressOf(found, object as unknown as KubeObject);
    if (progress.text !== last) process.stdout.write(progress.text);
    last = progress.text;
    failure = progress.failure;
    return isOnce || progress.isDone || failure !== undefined;
  };
  const until = signal ?? new AbortController().signal;
  const isOver = await watchUntil(client, found, isDecided, until);
  if (failure !== undefined) throw new Error(failure);
  if (!isOver) {
    throw new Error(
      `${label}: timed out waiting for the roll-out; 'bay why ${label}' tells the cause`,
    );
  }
}
