/** A pod's row: STATUS is not its phase but the most telling of what its containers say (`printPod`). */
import { humanAge } from '#api/resources/duration.ts';
import { type JsonObject, numberOr, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { type Cells, conditionOf, isTrue, NONE, specOf, statusOf, textOr } from './cells.ts';

/** What is gathered while the containers are looked at. */
interface Tally {
  reason: string;
  ready: number;
  restarts: number;
  lastRestart: string;
}

const stateOf = (status: JsonObject, state: string): JsonObject | undefined => {
  const value = objectOr(status['state'])[state];
  return value === undefined || value === null ? undefined : objectOr(value);
};

function countRestarts(tally: Tally, status: JsonObject): void {
  tally.restarts += numberOr(status['restartCount']);
  const finished = stringOr(objectOr(objectOr(status['lastState'])['terminated'])['finishedAt']);
  if (Date.parse(finished) > (Date.parse(tally.lastRestart) || 0)) tally.lastRestart = finished;
}

const exitText = (terminated: JsonObject): string => {
  const signal = numberOr(terminated['signal']);
  return signal === 0 ? `ExitCode:${numberOr(terminated['exitCode'])}` : `Signal:${signal}`;
};

/** What an init container that holds the pod up says; `undefined` when it has done its part. */
function initReason(
  status: JsonObject,
  sidecar: boolean,
  index: number,
  count: number,
): string | undefined {
  const terminated = stateOf(status, 'terminated');
  if (terminated !== undefined && numberOr(terminated['exitCode']) === 0) return undefined;
  if (sidecar && status['started'] === true) return undefined;
  if (terminated !== undefined) {
    return `Init:${stringOr(terminated['reason']) || exitText(terminated)}`;
  }
  const waiting = stringOr(stateOf(status, 'waiting')?.['reason']);
  if (waiting !== '' && waiting !== 'PodInitializing') return `Init:${waiting}`;
  return `Init:${index}/${count}`;
}

/** Goes through the init containers; the answer is whether the pod is still being initialised. */
function lookAtInit(pod: KubeObject, tally: Tally, sidecars: Tally): boolean {
  const containers = objectsOf(specOf(pod)['initContainers']);
  const statuses = objectsOf(statusOf(pod)['initContainerStatuses']);
  for (const [index, status] of statuses.entries()) {
    const own = containers.find((container) => container['name'] === status['name']);
    const sidecar = own?.['restartPolicy'] === 'Always';
    countRestarts(tally, status);
    if (sidecar) countRestarts(sidecars, status);
    const reason = initReason(status, sidecar, index, containers.length);
    if (reason !== undefined) {
      tally.reason = reason;
      return true;
    }
    const runs = sidecar && stateOf(status, 'terminated') === undefined;
    if (runs && status['ready'] === true) tally.ready += 1;
  }
  return false;
}

/** Goes through the containers from the last to the first: the first one's word counts most. */
function lookAtContainers(pod: KubeObject, tally: Tally): void {
  let running = false;
  for (const status of objectsOf(statusOf(pod)['containerStatuses']).toReversed()) {
    countRestarts(tally, status);
    const waiting = stringOr(stateOf(status, 'waiting')?.['reason']);
    const terminated = stateOf(status, 'terminated');
    if (waiting !== '') tally.reason = waiting;
    else if (terminated !== undefined) {
      tally.reason = stringOr(terminated['reason']) || exitText(terminated);
    } else if (status['ready'] === true && stateOf(status, 'running') !== undefined) {
      running = true;
      tally.ready += 1;
    }
  }
  if (tally.reason === 'Completed' && running) {
    tally.reason = isTrue(pod, 'Ready') ? 'Running' : 'NotReady';
  }
}

function firstReason(pod: KubeObject): string {
  if (conditionOf(pod, 'PodScheduled')?.['reason'] === 'SchedulingGated') return 'SchedulingGated';
  return textOr(statusOf(pod)['reason'], stringOr(statusOf(pod)['phase']));
}

function lastReason(pod: KubeObject, reason: string): string {
  if (pod.metadata.deletionTimestamp === undefined) return reason;
  const { phase, reason: own } = statusOf(pod);
  if (own === 'NodeLost') return 'Unknown';
  return phase === 'Succeeded' || phase === 'Failed' ? reason : 'Terminating';
}

function tallyOf(pod: KubeObject): Tally {
  const tally: Tally = { reason: firstReason(pod), ready: 0, restarts: 0, lastRestart: '' };
  const sidecars: Tally = { ...tally };
  const initializing = lookAtInit(pod, tally, sidecars);
  if (!initializing || isTrue(pod, 'Initialized')) {
    tally.restarts = sidecars.restarts;
    tally.lastRestart = sidecars.lastRestart;
    lookAtContainers(pod, tally);
  }
  return { ...tally, reason: lastReason(pod, tally.reason) };
}

function gatesText(pod: KubeObject): string {
  const gates = objectsOf(specOf(pod)['readinessGates']);
  if (gates.length === 0) return NONE;
  const met = gates.filter((gate) => isTrue(pod, stringOr(gate['conditionType'])));
  return `${met.length}/${gates.length}`;
}

export function podCells(pod: KubeObject, now: Date): Cells {
  const { nodeName, containers, initContainers } = specOf(pod);
  const { podIP, podIPs, nominatedNodeName } = statusOf(pod);
  const sidecars = objectsOf(initContainers).filter((one) => one['restartPolicy'] === 'Always');
  const { reason, ready, restarts, lastRestart } = tallyOf(pod);
  const ago = restarts !== 0 && lastRestart !== '' ? ` (${humanAge(lastRestart, now)} ago)` : '';
  return {
    Ready: `${ready}/${objectsOf(containers).length + sidecars.length}`,
    Status: reason,
    Restarts: `${restarts}${ago}`,
    IP: textOr(objectsOf(podIPs)[0]?.['ip'] ?? podIP, NONE),
    Node: textOr(nodeName, NONE),
    'Nominated Node': textOr(nominatedNodeName, NONE),
    'Readiness Gates': gatesText(pod),
  };
}

/** What kubectl reads to dim pods that have ended. */
export function podRowConditions(pod: KubeObject): JsonObject[] {
  const { phase } = statusOf(pod);
  if (phase !== 'Succeeded' && phase !== 'Failed') return [];
  const message = `The pod ${phase === 'Succeeded' ? 'has completed successfully' : 'failed'}.`;
  return [{ type: 'Completed', status: 'True', reason: phase, message }];
}
