/** The one Pod of a Container. Pure. */
import { createHash } from 'node:crypto';
import { ownerReferenceTo } from '#api/resources/meta.ts';
import { labelProblems, labelValueProblems, qualifiedNameProblems } from '#api/resources/names.ts';
import type {
  Pod,
  PodContainer,
  PodSpec,
  Probe,
  Volume,
  VolumeMount,
} from '#api/resources/types.ts';
import { canonicalJson } from '#controller/runtime/stable-name.ts';
import { defined } from '#controller/runtime/write.ts';
import { names, namespaces, place } from './pod-surroundings.ts';
import { settingsOf } from './settings.ts';
import type { Sharing } from './sharing.ts';
import type { Container, ContainerMount, ContainerPort, ContainerSpec } from './types.ts';

/** On the Pod: which spec it was made from. */
export const specHashAnnotation = 'bayplan.dev/spec-hash';
/** On the Pod: `user` or `user:group` as the image's /etc/passwd and /etc/group have them. */
export const userAnnotation = 'bayplan.dev/user';
/** On the Pod: the names of its volumes that have one, by where they are mounted, in JSON. */
const volumesAnnotation = 'bayplan.dev/volumes';
/** The one container of the Pod. */
export const containerName = 'main';

/**
 * Fields that say what should happen to the container, not how it is made: changing them does not replace it. Limits and
 * the restart policy are the node's to change while it runs (`docker update`).
 */
const lifecycle: readonly (keyof ContainerSpec)[] = [
  'state',
  'autoRemove',
  'maximumRetryCount',
  'resources',
  'restartPolicy',
];

/** Two specs with the same hash make the same Pod. */
export function specHash(spec: ContainerSpec): string {
  const made = Object.entries(spec).filter(
    ([name]) => !lifecycle.includes(name as keyof ContainerSpec),
  );
  const text = canonicalJson(Object.fromEntries(made));
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Docker's policies in Kubernetes' words. A stopped container has no Pod, so `unless-stopped` is `always`. */
function restartPolicy({ restartPolicy: policy = 'no' }: ContainerSpec): string {
  if (policy === 'no') return 'Never';
  return policy === 'on-failure' ? 'OnFailure' : 'Always';
}

/** `uid`, `uid:gid`; `root` is 0. Undefined: a name, which only the image's /etc/passwd knows. */
export function numericUser(user: string): { runAsUser: number; runAsGroup?: number } | undefined {
  const match = /^(\d+|root)(?::(\d+|root))?$/.exec(user);
  if (match === null) return undefined;
  const id = (text: string) => (text === 'root' ? 0 : Number(text));
  const [, uid = '', gid] = match;
  return { runAsUser: id(uid), ...(gid === undefined ? {} : { runAsGroup: id(gid) }) };
}

function securityContext({ user, security }: ContainerSpec): PodContainer['securityContext'] {
  const context = defined({
    ...(user === undefined || user === '' ? {} : numericUser(user)),
    privileged: security?.privileged,
    capabilities: security?.capabilities,
    readOnlyRootFilesystem: security?.readOnlyRootFilesystem,
    allowPrivilegeEscalation: security?.noNewPrivileges === true ? false : undefined,
    seccompProfile: profile(security?.seccomp),
    appArmorProfile: profile(security?.apparmor),
    seLinuxOptions: security?.selinux,
  });
  return Object.keys(context).length === 0 ? undefined : context;
}

/** Of seccomp and of AppArmor. */
function profile(name: string | undefined) {
  if (name === undefined) return undefined;
  if (name === 'unconfined') return { type: 'Unconfined' };
  if (name === 'default') return { type: 'RuntimeDefault' };
  return { type: 'Localhost', localhostProfile: name };
}

/** Docker's limits reserve nothing; so the requests are what is reserved, or zero. */
function resources({ resources: wanted }: ContainerSpec): PodContainer['resources'] {
  if (wanted === undefined) return undefined;
  const { cpu, memory, memoryReservation, cpuShares } = wanted;
  const text = (value: string | number | undefined) =>
    value === undefined ? undefined : String(value);
  const shares = cpuShares === undefined ? undefined : `${Math.ceil((cpuShares * 1000) / 1024)}m`;
  return {
    limits: defined({ cpu: text(cpu), memory: text(memory) }),
    requests: defined({
      cpu: shares ?? (cpu === undefined ? undefined : '0'),
      memory: text(memoryReservation) ?? (memory === undefined ? undefined : '0'),
    }),
  };
}

function volume({ type, source, size }: ContainerMount, name: string): Volume {
  if (type === 'bind') return { name, hostPath: { path: source ?? '/' } };
  return { name, emptyDir: size === undefined ? {} : { sizeLimit: size } };
}

const propagations = {
  rprivate: undefined,
  rslave: 'HostToContainer',
  rshared: 'Bidirectional',
} as const;

function volumeMount(mount: ContainerMount, name: string): VolumeMount {
  const { target, readOnly, propagation = 'rprivate' } = mount;
  return defined({
    name,
    mountPath: target,
    readOnly,
    mountPropagation: propagations[propagation],
  }) as VolumeMount;
}

/** What is mounted by way of a volume; a tmpfs is the container's own, new at every start (`settings.ts`). */
const volumeMounts = ({ mounts = [] }: ContainerSpec) =>
  mounts.filter(({ type }) => type !== 'tmpfs');

/** Docker's health check makes a container unready, it does not restart it. */
function readiness({ healthcheck }: ContainerSpec): Probe | undefined {
  const [kind, ...rest] = healthcheck?.test ?? [];
  if (healthcheck === undefined || kind === undefined || kind === 'NONE') return undefined;
  const command = kind === 'CMD' ? rest : ['/bin/sh', '-c', rest.join(' ')];
  return {
    exec: { command },
    periodSeconds: healthcheck.intervalSeconds ?? 30,
    timeoutSeconds: healthcheck.timeoutSeconds ?? 30,
    failureThreshold: healthcheck.retries ?? 3,
    initialDelaySeconds: healthcheck.startPeriodSeconds ?? 0,
  };
}

function podContainer(spec: ContainerSpec): PodContainer {
  const mounts = volumeMounts(spec).map((mount, i) => volumeMount(mount, `mount-${i}`));
  const { stopSignal } = spec;
  return defined({
    name: containerName,
    image: spec.image,
    imagePullPolicy: spec.imagePullPolicy,
    command: spec.command,
    args: spec.args,
    env: spec.env,
    workingDir: spec.workingDir,
    tty: spec.tty,
    stdin: spec.stdin,
    stdinOnce: spec.stdinOnce,
    ports: ports(spec),
    volumeMounts: mounts.length === 0 ? undefined : mounts,
    resources: resources(spec),
    securityContext: securityContext(spec),
    readinessProbe: readiness(spec),
    lifecycle: stopSignal === undefined ? undefined : { stopSignal: signalName(stopSignal) },
  }) as PodContainer;
}

/** In the node's network a port is where it is. */
function ports({ ports: wanted, network }: ContainerSpec): PodContainer['ports'] {
  if (network !== 'host') return wanted?.map((port) => ({ ...port }));
  return wanted?.map(({ hostPort: _, ...port }) => port);
}

const signalName = (signal: string): string => (/^SIG/.test(signal) ? signal : `SIG${signal}`);

/** `NONE`: not even the image's check (node-agent/pod/wanted-pod.ts). */
const noHealthcheck = ({ healthcheck }: ContainerSpec): Record<string, string> =>
  healthcheck?.test[0] === 'NONE' ? { 'bayplan.dev/no-healthcheck': 'true' } : {};

/** Volumes that are the namespace's have names; the others are the container's own. */
function volumeNames({ mounts = [] }: ContainerSpec): Record<string, string> {
  const named = mounts.flatMap(({ type, source, target }) =>
    type === 'volume' && source !== undefined ? [[target, source] as const] : [],
  );
  return named.length === 0
    ? {}
    : { [volumesAnnotation]: canonicalJson(Object.fromEntries(named)) };
}

function podSpec(spec: ContainerSpec): PodSpec {
  const volumes = volumeMounts(spec).map((mount, i) => volume(mount, `mount-${i}`));
  return defined({
    containers: [podContainer(spec)],
    volumes: volumes.length === 0 ? undefined : volumes,
    restartPolicy: restartPolicy(spec),
    hostname: spec.hostname,
    ...names(spec),
    ...namespaces(spec),
    nodeSelector: spec.nodeSelector,
    terminationGracePeriodSeconds: spec.stopTimeout ?? 10,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    os: spec.stopSignal === undefined ? undefined : { name: 'linux' },
  }) as PodSpec;
}

/** Docker's labels may be anything; those that Kubernetes takes become the Pod's, so that Services can select by them. */
function labels({ metadata, spec }: Container): Record<string, string> {
  const wanted = Object.entries({ ...spec.labels, ...metadata.labels }).filter(
    ([key, value]) =>
      qualifiedNameProblems(key).length === 0 && labelValueProblems(value).length === 0,
  );
  const short = labelProblems(metadata.name).length === 0;
  const own = short ? { 'bayplan.dev/container': metadata.name } : {};
  return { ...Object.fromEntries(wanted), ...own };
}

/** A name, which only the image's own files can tell the number of: the node looks it up. */
function namedUser({ user = '' }: ContainerSpec): Record<string, string> {
  return user === '' || numericUser(user) !== undefined ? {} : { [userAnnotation]: user };
}

/** `sharing`: what it has of other Containers; `ports`: its own, with those of its node that were chosen for it. */
export function podOf(
  container: Container,
  sharing?: Sharing,
  ports: readonly ContainerPort[] | undefined = container.spec.ports,
): Pod {
  const { name, namespace } = container.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: labels(container),
      annotations: {
        [specHashAnnotation]: specHash(container.spec),
        ...namedUser(container.spec),
        ...volumeNames(container.spec),
        ...noHealthcheck(container.spec),
        ...settingsOf(container.spec, sharing?.joined),
      },
      ownerReferences: [ownerReferenceTo(container)],
    },
    spec: {
      ...podSpec(defined({ ...container.spec, ports }) as ContainerSpec),
      ...sharing?.fields,
      ...place(container, sharing),
    },
  };
}
