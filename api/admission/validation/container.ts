/** Containers of a pod (`validateContainers`, `validateInitContainers`, `validateEphemeralContainers`). */
import { type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import { labelProblems, portNameProblems } from '#api/resources/names.ts';
import type { StatusCause } from '#api/resources/status.ts';
import {
  checkName,
  checkOneOf,
  checkPort,
  checkUnique,
  duplicate,
  forbiddenField,
  inEach,
  invalidBecause,
  invalidValue,
  notFoundValue,
  required,
  together,
} from './causes.ts';
import { checkEnvironment } from './environment.ts';
import { checkProbes } from './probe.ts';
import { checkResizePolicy, checkResources } from './resources.ts';
import { checkConfinement } from './security-context.ts';

const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
const MESSAGE_POLICIES = ['FallbackToLogsOnError', 'File'];
export const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];

/** What of the pod a container's fields refer to. */
export interface PodNames {
  readonly volumes: ReadonlySet<string>;
  readonly restartPolicy?: unknown;
}

function checkImage(field: string, image: unknown): StatusCause[] {
  if (typeof image !== 'string' || image === '') return [required(field)];
  if (image === image.trim()) return [];
  return [invalidValue(field, image, 'must not have leading or trailing whitespace')];
}

function checkContainerPorts(field: string, ports: readonly JsonObject[]): StatusCause[] {
  const causes = inEach(ports, (port, i) => {
    const at = `${field}[${i}]`;
    const name = stringOr(port['name']);
    const { containerPort, hostPort, protocol } = port;
    return together(
      name === '' ? [] : invalidBecause(`${at}.name`, name, portNameProblems(name)),
      containerPort === undefined || containerPort === 0
        ? [required(`${at}.containerPort`)]
        : checkPort(`${at}.containerPort`, containerPort),
      hostPort === undefined || hostPort === 0 ? [] : checkPort(`${at}.hostPort`, hostPort),
      checkOneOf(`${at}.protocol`, protocol, PROTOCOLS),
    );
  });
  const names = ports.map((port) => port['name']);
  return together(
    causes,
    checkUnique(names, (i) => `${field}[${i}].name`),
  );
}

function checkSubPath(field: string, path: unknown): StatusCause[] {
  if (typeof path !== 'string' || path === '') return [];
  if (path.startsWith('/')) return [invalidValue(field, path, 'must be a relative path')];
  return path.split('/').includes('..') ? [invalidValue(field, path, "must not contain '..'")] : [];
}

function checkMounts(field: string, mounts: readonly JsonObject[], pod: PodNames): StatusCause[] {
  const seen = new Set<string>();
  return inEach(mounts, (mount, i) => {
    const at = `${field}[${i}]`;
    const name = stringOr(mount['name']);
    const path = stringOr(mount['mountPath']);
    const causes: StatusCause[] = [];
    if (name === '') causes.push(required(`${at}.name`));
    else if (!pod.volumes.has(name)) causes.push(notFoundValue(`${at}.name`, name));
    if (path === '') causes.push(required(`${at}.mountPath`));
    else if (seen.has(path)) causes.push(invalidValue(`${at}.mountPath`, path, 'must be unique'));
    seen.add(path);
    if (stringOr(mount['subPath']) !== '' && stringOr(mount['subPathExpr']) !== '') {
      causes.push(
        invalidValue(
          `${at}.subPathExpr`,
          mount['subPathExpr'],
          'subPathExpr and subPath are mutually exclusive',
        ),
      );
    }
    return together(causes, checkSubPath(`${at}.subPath`, mount['subPath']));
  });
}

/** User and group ids as the kernel counts them. */
const MAX_ID = 2 ** 32 - 1;

export function checkId(field: string, id: unknown): StatusCause[] {
  if (id === undefined || id === null) return [];
  if (typeof id === 'number' && id >= 0 && id <= MAX_ID) return [];
  return [invalidValue(field, id, `must be between 0 and ${MAX_ID}, inclusive`)];
}

function checkSecurity(field: string, context: JsonObject): StatusCause[] {
  const causes = together(
    checkId(`${field}.runAsUser`, context['runAsUser']),
    checkId(`${field}.runAsGroup`, context['runAsGroup']),
    checkConfinement(field, context),
  );
  if (context['allowPrivilegeEscalation'] !== false) return causes;
  const escalates = context['privileged'] === true;
  if (!escalates) return causes;
  const detail = 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true';
  return [...causes, invalidValue(field, context, detail)];
}

function checkContainer(field: string, container: JsonObject, pod: PodNames): StatusCause[] {
  return together(
    checkName(`${field}.name`, container['name'], labelProblems),
    checkImage(`${field}.image`, container['image']),
    checkOneOf(
      `${field}.terminationMessagePolicy`,
      container['terminationMessagePolicy'],
      MESSAGE_POLICIES,
    ),
    checkContainerPorts(`${field}.ports`, objectsOf(container['ports'])),
    checkEnvironment(field, container),
    checkMounts(`${field}.volumeMounts`, objectsOf(container['volumeMounts']), pod),
    checkProbes(field, container),
    checkOneOf(`${field}.imagePullPolicy`, container['imagePullPolicy'], PULL_POLICIES),
    checkResources(`${field}.resources`, container['resources']),
    checkResizePolicy(
      `${field}.resizePolicy`,
      objectsOf(container['resizePolicy']),
      container['restartPolicy'] ?? pod.restartPolicy,
    ),
    checkSecurity(`${field}.securityContext`, objectOr(container['securityContext'])),
  );
}

/** Two containers of a pod cannot have the same port of the node. */
function checkHostPorts(field: string, containers: readonly JsonObject[]): StatusCause[] {
  const seen = new Set<string>();
  return inEach(containers, (container, i) =>
    inEach(objectsOf(container['ports']), ({ hostPort, hostIP, protocol }, j) => {
      if (typeof hostPort !== 'number' || hostPort === 0) return [];
      const key = `${protocol}/${stringOr(hostIP)}/${hostPort}`;
      if (seen.has(key)) return [duplicate(`${field}[${i}].ports[${j}].hostPort`, key)];
      seen.add(key);
      return [];
    }),
  );
}

const WHILE_RUNNING = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'];

/** An init container that ends is not probed; one that stays (`restartPolicy: Always`) is. */
function checkInitContainer(field: string, container: JsonObject): StatusCause[] {
  if (container['restartPolicy'] === 'Always') return [];
  const detail = 'may not be set for init containers without restartPolicy=Always';
  return WHILE_RUNNING.filter((name) => container[name] !== undefined).map((name) =>
    forbiddenField(`${field}.${name}`, detail),
  );
}

/** All containers of a pod's spec; their names are unique among all three lists. */
export function checkContainers(field: string, spec: JsonObject, pod: PodNames): StatusCause[] {
  const containers = objectsOf(spec['containers']);
  const init = objectsOf(spec['initContainers']);
  const ephemeral = objectsOf(spec['ephemeralContainers']);
  const each = (list: string, members: readonly JsonObject[]): StatusCause[] =>
    inEach(members, (one, i) => checkContainer(`${field}.${list}[${i}]`, one, pod));
  const places = [
    ...containers.map((one, i) => [one['name'], `${field}.containers[${i}].name`] as const),
    ...init.map((one, i) => [one['name'], `${field}.initContainers[${i}].name`] as const),
    ...ephemeral.map((one, i) => [one['name'], `${field}.ephemeralContainers[${i}].name`] as const),
  ];
  return together(
    containers.length === 0 ? [required(`${field}.containers`)] : [],
    each('containers', containers),
    each('initContainers', init),
    each('ephemeralContainers', ephemeral),
    inEach(init, (one, i) => checkInitContainer(`${field}.initContainers[${i}]`, one)),
    checkUnique(
      places.map(([name]) => name),
      (i) => places[i]?.[1] ?? field,
    ),
    checkHostPorts(`${field}.containers`, containers),
  );
}
