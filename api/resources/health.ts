/** Whether an object does what it is there for. Pure. */

import { numberOr, objectOr, objectsOf, stringOr } from './json.ts';

export type Health =
  | { readonly is: 'healthy' }
  /** It is on its way. */
  | { readonly is: 'waiting'; readonly why: string }
  /** It will not get there by waiting. */
  | { readonly is: 'failed'; readonly why: string };

/** Any object, as far as it is looked at. */
interface Judged {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly generation?: number; readonly deletionTimestamp?: string };
  readonly spec?: unknown;
  readonly status?: unknown;
}

const healthy: Health = { is: 'healthy' };
const waiting = (why: string): Health => ({ is: 'waiting', why });
const failed = (why: string): Health => ({ is: 'failed', why });

interface Parts {
  readonly spec: Record<string, unknown>;
  readonly status: Record<string, unknown>;
}

/** `reason: message` of the condition of this type, with its status. */
function conditionIn({ status }: Parts, type: string) {
  const found = objectsOf(status['conditions']).find((one) => one['type'] === type);
  if (found === undefined) return undefined;
  const [reason, message] = [stringOr(found['reason']), stringOr(found['message'])];
  return { status: stringOr(found['status']), why: [reason, message].filter(Boolean).join(': ') };
}

const counted = (have: unknown, want: number, what: string): Health | undefined =>
  numberOr(have) >= want ? undefined : waiting(`${numberOr(have)} of ${want} ${what}`);

function deployment(parts: Parts): Health {
  const { spec, status } = parts;
  const want = spec['replicas'] === undefined ? 1 : numberOr(spec['replicas']);
  const progress = conditionIn(parts, 'Progressing');
  if (progress?.status === 'False') return failed(progress.why);
  const surplus = numberOr(status['replicas']) - numberOr(status['updatedReplicas']);
  return (
    counted(status['updatedReplicas'], want, 'replicas are updated') ??
    (surplus > 0 ? waiting(`${surplus} old replicas are to go`) : undefined) ??
    counted(status['availableReplicas'], want, 'replicas are available') ??
    healthy
  );
}

function replicated({ spec, status }: Parts): Health {
  const want = spec['replicas'] === undefined ? 1 : numberOr(spec['replicas']);
  const isSet = status['updateRevision'] !== undefined;
  const partition = numberOr(
    objectOr(objectOr(spec['updateStrategy'])['rollingUpdate'])['partition'],
  );
  const updated = isSet && status['updateRevision'] !== status['currentRevision'];
  return (
    counted(status['readyReplicas'], want, 'replicas are ready') ??
    (updated
      ? counted(status['updatedReplicas'], want - partition, 'replicas are updated')
      : undefined) ??
    healthy
  );
}

function daemonSet({ status }: Parts): Health {
  const want = numberOr(status['desiredNumberScheduled']);
  return (
    counted(status['updatedNumberScheduled'], want, 'pods are updated') ??
    counted(status['numberAvailable'], want, 'pods are available') ??
    healthy
  );
}

function job(parts: Parts): Health {
  const broken = conditionIn(parts, 'Failed');
  if (broken?.status === 'True') return failed(broken.why);
  const ended = conditionIn(parts, 'Complete')?.status === 'True';
  return ended || parts.spec['suspend'] === true ? healthy : waiting('it has not ended');
}

function pod(parts: Parts): Health {
  const phase = stringOr(parts.status['phase']);
  if (phase === 'Succeeded') return healthy;
  if (phase === 'Failed') return failed(stringOr(parts.status['message']) || 'it has failed');
  const ready = conditionIn(parts, 'Ready');
  return ready?.status === 'True' ? healthy : waiting(ready?.why || `it is ${phase || 'new'}`);
}

function definition(parts: Parts): Health {
  const names = conditionIn(parts, 'NamesAccepted');
  if (names?.status === 'False') return failed(names.why);
  return conditionIn(parts, 'Established')?.status === 'True'
    ? healthy
    : waiting('it is not served yet');
}

/** A claim whose class waits for its first pod is not bound before, and need not be. */
function claim({ status }: Parts): Health {
  return status['phase'] === 'Lost' ? failed('its volume is lost') : healthy;
}

function container({ spec, status }: Parts): Health {
  const wanted = stringOr(spec['state']) || 'Running';
  const phase = stringOr(status['phase']).toLowerCase();
  if (wanted !== 'Running' || phase === 'running') return healthy;
  const again = stringOr(spec['restartPolicy']);
  if (phase === 'exited' && (again === '' || again === 'no')) {
    const code = numberOr(status['exitCode']);
    return code === 0 ? healthy : failed(`it ended with exit code ${code}`);
  }
  return waiting(`it is ${phase || 'new'}`);
}

const byKind: Readonly<Record<string, (parts: Parts) => Health>> = {
  'apps/Deployment': deployment,
  'apps/StatefulSet': replicated,
  'apps/ReplicaSet': replicated,
  '/ReplicationController': replicated,
  'apps/DaemonSet': daemonSet,
  'batch/Job': job,
  '/Pod': pod,
  '/PersistentVolumeClaim': claim,
  'apiextensions.k8s.io/CustomResourceDefinition': definition,
  'bayplan.dev/Container': container,
};

/** Kinds we do not know say it themselves, by conditions that many have. */
function unknown(parts: Parts): Health {
  const stalled = conditionIn(parts, 'Stalled');
  if (stalled?.status === 'True') return failed(stalled.why);
  const ready = conditionIn(parts, 'Ready');
  return ready === undefined || ready.status === 'True'
    ? healthy
    : waiting(ready.why || 'it is not ready');
}

/** The health of an object as the server has it; absent: it has gone. */
export function healthOf(object: Judged | undefined): Health {
  if (object === undefined) return waiting('it is not there');
  const { apiVersion, kind, metadata } = object;
  const parts = { spec: objectOr(object.spec), status: objectOr(object.status) };
  if (metadata.deletionTimestamp !== undefined) return waiting('it is being deleted');
  const seen = parts.status['observedGeneration'];
  if (typeof seen === 'number' && seen < (metadata.generation ?? 0)) {
    return waiting('its controller has not seen the change');
  }
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
  const known = byKind[`${group}/${kind}`];
  if (seen === undefined && (known === deployment || known === daemonSet || known === replicated)) {
    return waiting('its controller has not seen it');
  }
  return (known ?? unknown)(parts);
}
