/** Defaults of pods and of the pod templates of workloads (`core/v1/defaults.go`). */
import { isObject, type JsonObject, objectOr, objectsOf } from '#api/resources/json.ts';
import { listOf } from '../../quota/amounts.ts';
import { podAmounts } from '../../quota/pod-usage.ts';
import { ensureObject, fill, fillNonZero, isUnset } from './fill.ts';
import { pullPolicy } from './image.ts';
import { defaultVolume } from './volume.ts';

/** The pod template and the defaults it gets, where a kind has one. */
export function defaultTemplate(spec: unknown): void {
  const template = objectOr(spec)['template'];
  if (isObject(template)) defaultPodSpec(ensureObject(template, 'spec'));
}

/** What a pod's spec and a template's get alike. */
export function defaultPodSpec(spec: JsonObject): void {
  fill(spec, {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
  });
  // The deprecated twin is written along with the name, whichever was given.
  const account = [spec['serviceAccountName'], spec['serviceAccount']].find((n) => !isUnset(n));
  if (account !== undefined) fill(spec, { serviceAccountName: account });
  if (account !== undefined) spec['serviceAccount'] = spec['serviceAccountName'];
  for (const container of allContainers(spec)) defaultContainer(container);
  for (const volume of objectsOf(spec['volumes'])) defaultVolume(volume);
}

/** What only a Pod gets, not a template: later releases may then change it without changing stored workloads. */
export function defaultPod(pod: JsonObject): void {
  const spec = ensureObject(pod, 'spec');
  defaultPodSpec(spec);
  fill(spec, { enableServiceLinks: true });
  for (const container of [
    ...objectsOf(spec['containers']),
    ...objectsOf(spec['initContainers']),
  ]) {
    requestWhatIsLimited(container);
    resizeInPlace(container);
    if (spec['hostNetwork'] === true) defaultHostPorts(container);
  }
  if (isObject(spec['resources'])) requestTogether(spec, spec['resources']);
}

const ofWholePods = (name: string): boolean =>
  name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');

/** What the pod as a whole asks for is what its containers do, else its own limit (`defaultPodRequests`). */
function requestTogether(spec: JsonObject, resources: JsonObject): void {
  const { resources: _, overhead: __, ...containersAlone } = spec;
  const together = listOf(podAmounts(containersAlone, 'requests'));
  const wanted = { ...objectOr(resources['limits']), ...together };
  const names = Object.keys(wanted).filter(ofWholePods);
  if (names.length === 0) return;
  fill(ensureObject(resources, 'requests'), Object.fromEntries(names.map((n) => [n, wanted[n]])));
}

function allContainers(spec: JsonObject): JsonObject[] {
  const lists = ['initContainers', 'containers', 'ephemeralContainers'];
  return lists.flatMap((list) => objectsOf(spec[list]));
}

function defaultContainer(container: JsonObject): void {
  fill(container, {
    imagePullPolicy: pullPolicy(container['image']),
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
  });
  ensureObject(container, 'resources');
  for (const { valueFrom } of objectsOf(container['env'])) {
    const { fieldRef } = objectOr(valueFrom);
    if (isObject(fieldRef)) fill(fieldRef, { apiVersion: 'v1' });
  }
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    if (isObject(container[probe])) defaultProbe(container[probe]);
  }
  const { postStart, preStop } = objectOr(container['lifecycle']);
  for (const hook of [postStart, preStop]) defaultHttpGet(objectOr(hook)['httpGet']);
}

function defaultProbe(probe: JsonObject): void {
  fillNonZero(probe, {
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  });
  defaultHttpGet(probe['httpGet']);
  // The service's name is a string that may be empty, and is always written.
  if (isObject(probe['grpc']) && isUnset(probe['grpc']['service'])) probe['grpc']['service'] = '';
}

function defaultHttpGet(action: unknown): void {
  if (isObject(action)) fill(action, { path: '/', scheme: 'HTTP' });
}

function requestWhatIsLimited(container: JsonObject): void {
  const resources = objectOr(container['resources']);
  if (isObject(resources['limits'])) fill(ensureObject(resources, 'requests'), resources['limits']);
}

/** Amounts that are said may change while the container runs (`setDefaultResizePolicy`). */
function resizeInPlace(container: JsonObject): void {
  const { requests, limits } = objectOr(container['resources']);
  const said = { ...objectOr(requests), ...objectOr(limits) };
  const policies = objectsOf(container['resizePolicy']);
  const silent = ['cpu', 'memory'].filter(
    (name) => name in said && !policies.some(({ resourceName }) => resourceName === name),
  );
  if (silent.length === 0) return;
  const added = silent.map((name) => ({ resourceName: name, restartPolicy: 'NotRequired' }));
  container['resizePolicy'] = [...policies, ...added];
}

function defaultHostPorts(container: JsonObject): void {
  for (const port of objectsOf(container['ports'])) {
    if (typeof port['containerPort'] === 'number') {
      fillNonZero(port, { hostPort: port['containerPort'] });
    }
  }
}
