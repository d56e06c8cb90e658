/** The containers of a pod or of a template. */
import {
  isObject,
  type JsonObject,
  numberOr,
  objectOr,
  objectsOf,
  stringOr,
} from '#api/resources/json.ts';
import { environmentFrom, type Resolve, variable } from './environment.ts';
import { longTime, pairsOf, truth, type Writer } from './writer.ts';

const portText = (ports: readonly JsonObject[], field: 'containerPort' | 'hostPort'): string =>
  ports.map((port) => `${numberOr(port[field])}/${port['protocol'] ?? 'TCP'}`).join(', ');

function portLine(out: Writer, title: string, text: string): void {
  out.field(2, text.includes(',') ? `${title}s` : title, text || '<none>');
}

function seccomp(out: Writer, level: number, securityContext: unknown): void {
  const { seccompProfile } = objectOr(securityContext);
  if (!isObject(seccompProfile)) return;
  out.field(level, 'SeccompProfile', seccompProfile['type']);
  if (seccompProfile['type'] === 'Localhost') {
    out.field(level, 'LocalhostProfile', seccompProfile['localhostProfile']);
  }
}

function words(out: Writer, title: string, list: unknown): void {
  if (!Array.isArray(list) || list.length === 0) return;
  out.line(2, `${title}:`);
  for (const word of list) for (const line of String(word).split('\n')) out.line(3, line);
}

function state(out: Writer, title: string, value: unknown): void {
  const { running, waiting, terminated } = objectOr(value);
  if (isObject(running)) {
    out.field(2, title, 'Running');
    out.field(3, 'Started', longTime(running['startedAt']));
  } else if (isObject(terminated)) {
    out.field(2, title, 'Terminated');
    out.optional(3, 'Reason', terminated['reason']);
    out.optional(3, 'Message', terminated['message']);
    out.field(3, 'Exit Code', numberOr(terminated['exitCode']));
    if (numberOr(terminated['signal']) > 0) out.field(3, 'Signal', terminated['signal']);
    out.field(3, 'Started', longTime(terminated['startedAt']));
    out.field(3, 'Finished', longTime(terminated['finishedAt']));
  } else {
    out.field(2, title, 'Waiting');
    out.optional(3, 'Reason', objectOr(waiting)['reason']);
  }
}

/** Limits and requests. */
export function describeResources(out: Writer, resources: unknown, level: number): void {
  for (const [title, field] of [
    ['Limits', 'limits'],
    ['Requests', 'requests'],
  ] as const) {
    const pairs = pairsOf(objectOr(resources)[field]);
    if (pairs.length > 0) out.line(level, `${title}:`);
    for (const [name, quantity] of pairs) out.field(level + 1, name, quantity);
  }
}

function probeText(probe: JsonObject): string {
  const seconds = (field: string) => `${numberOr(probe[field])}s`;
  const attributes = `delay=${seconds('initialDelaySeconds')} timeout=${seconds('timeoutSeconds')} period=${seconds('periodSeconds')} #success=${numberOr(probe['successThreshold'])} #failure=${numberOr(probe['failureThreshold'])}`;
  const { exec, httpGet, tcpSocket, grpc } = probe;
  if (isObject(exec))
    return `exec [${((exec['command'] as string[]) ?? []).join(' ')}] ${attributes}`;
  if (isObject(httpGet)) {
    const { scheme = 'HTTP', host = '', port, path = '' } = httpGet;
    return `http-get ${String(scheme).toLowerCase()}://${host}:${port}${path} ${attributes}`;
  }
  if (isObject(tcpSocket))
    return `tcp-socket ${tcpSocket['host'] ?? ''}:${tcpSocket['port']} ${attributes}`;
  if (isObject(grpc)) return `grpc <pod>:${grpc['port']} ${grpc['service'] ?? ''} ${attributes}`;
  return `unknown ${attributes}`;
}

function probes(out: Writer, container: JsonObject): void {
  for (const title of ['Liveness', 'Readiness', 'Startup']) {
    const probe = container[`${title.toLowerCase()}Probe`];
    if (isObject(probe)) out.field(2, title, probeText(probe));
  }
}

function mounts(out: Writer, container: JsonObject): void {
  const all = objectsOf(container['volumeMounts']);
  out.line(2, `Mounts:${all.length === 0 ? '\t<none>' : ''}`);
  for (const { mountPath, name, readOnly, subPath } of [...all].sort((a, b) =>
    stringOr(a['mountPath']) < stringOr(b['mountPath']) ? -1 : 1,
  )) {
    const flags = [readOnly === true ? 'ro' : 'rw'];
    if (stringOr(subPath) !== '') flags.push(`path=${JSON.stringify(subPath)}`);
    out.line(3, `${mountPath} from ${name} (${flags.join(',')})`);
  }
  const devices = objectsOf(container['volumeDevices']);
  if (devices.length > 0) out.line(2, 'Devices:');
  for (const { devicePath, name } of devices) out.line(3, `${devicePath} from ${name}`);
}

function describeContainer(
  out: Writer,
  container: JsonObject,
  status: JsonObject | undefined,
  space: string,
  resolve: Resolve,
): void {
  out.line(1, `${space === '' ? '' : ' '}${container['name']}:`);
  if (status !== undefined) out.field(2, 'Container ID', stringOr(status['containerID']));
  out.field(2, 'Image', stringOr(container['image']));
  if (status !== undefined) out.field(2, 'Image ID', stringOr(status['imageID']));
  const ports = objectsOf(container['ports']);
  portLine(out, 'Port', portText(ports, 'containerPort'));
  portLine(out, 'Host Port', portText(ports, 'hostPort'));
  seccomp(out, 2, container['securityContext']);
  words(out, 'Command', container['command']);
  words(out, 'Args', container['args']);
  if (status !== undefined) {
    state(out, 'State', status['state']);
    if (isObject(objectOr(status['lastState'])['terminated']))
      state(out, 'Last State', status['lastState']);
    out.field(2, 'Ready', truth(status['ready']));
    out.field(2, 'Restart Count', numberOr(status['restartCount']));
  }
  describeResources(out, container['resources'], 2);
  probes(out, container);
  environmentFrom(out, objectsOf(container['envFrom']));
  const environment = objectsOf(container['env']);
  out.line(2, `Environment:${environment.length === 0 ? '\t<none>' : ''}`);
  for (const one of environment) variable(out, one, container, resolve);
  mounts(out, container);
}

/** `space`: how far the list stands in. */
export function describeContainers(
  out: Writer,
  title: string,
  containers: readonly JsonObject[],
  statuses: readonly JsonObject[] | undefined,
  space = '',
  resolve: Resolve = () => '',
): void {
  out.line(0, `${space}${title}:${containers.length === 0 ? ' <none>' : ''}`);
  for (const container of containers) {
    const status = statuses?.find(({ name }) => name === container['name']);
    describeContainer(out, container, status, space, resolve);
  }
}

export { seccomp as describeSeccomp };
