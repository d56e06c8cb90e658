/** What the level `baseline` forbids (Pod Security Standards), in the words of `pod-security-admission/policy`. */
import { type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import { devices, settingsOf, unmasked } from './container-settings.ts';
import {
  allContainers,
  type Check,
  containersNamed,
  eachContainer,
  nameOf,
  plural,
  podAndContainers,
  quoted,
  securityOf,
} from './containers.ts';

const defaultCapabilities = new Set([
  ...['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD'],
  ...['NET_BIND_SERVICE', 'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT'],
]);

const addedTo = (container: JsonObject): string[] => {
  const { add } = objectOr(securityOf(container)['capabilities']);
  return Array.isArray(add) ? add.map(String) : [];
};

const capabilities: Check = ({ spec }) => {
  const failing = allContainers(spec).filter((one) =>
    addedTo(one).some((name) => !defaultCapabilities.has(name)),
  );
  if (failing.length === 0) return undefined;
  const added = [...new Set(failing.flatMap(addedTo))].filter(
    (name) => !defaultCapabilities.has(name),
  );
  const who = containersNamed(failing.map(nameOf));
  const what = quoted(added.sort());
  return {
    reason: 'non-default capabilities',
    detail: `${who} must not include ${what} in securityContext.capabilities.add`,
  };
};

const hostNamespaces: Check = (pod) => {
  const { spec } = pod;
  const used = ['hostNetwork', 'hostPID', 'hostIPC'].filter((field) => spec[field] === true);
  if (settingsOf(pod)['uts'] === 'host') used.push('hostUTS');
  if (used.length === 0) return undefined;
  return {
    reason: 'host namespaces',
    detail: used.map((field) => `${field}=true`).join(', '),
  };
};

const hostPaths: Check = ({ spec }) => {
  const names = objectsOf(spec['volumes'])
    .filter(({ hostPath }) => hostPath !== undefined && hostPath !== null)
    .map(nameOf);
  if (names.length === 0) return undefined;
  return {
    reason: 'hostPath volumes',
    detail: `${plural('volume', names.length)} ${quoted(names)}`,
  };
};

const portsOf = (container: JsonObject): number[] =>
  objectsOf(container['ports'])
    .map(({ hostPort }) => Number(hostPort ?? 0))
    .filter((port) => port !== 0);

const hostPorts: Check = ({ spec }) => {
  const failing = allContainers(spec).filter((one) => portsOf(one).length > 0);
  if (failing.length === 0) return undefined;
  const ports = [...new Set(failing.flatMap(portsOf))].sort((a, b) => a - b);
  const who = containersNamed(failing.map(nameOf));
  const verb = failing.length === 1 ? 'uses' : 'use';
  const what = `${plural('hostPort', ports.length)} ${ports.join(', ')}`;
  return { reason: 'hostPort', detail: `${who} ${verb} ${what}` };
};

const privileged = eachContainer(
  'privileged',
  (one) => securityOf(one)['privileged'] === true,
  (names) => `${containersNamed(names)} must not set securityContext.privileged=true`,
);

const procMount: Check = ({ spec }) => {
  const failing = allContainers(spec).filter((one) => {
    const wanted = securityOf(one)['procMount'];
    return wanted !== undefined && wanted !== 'Default';
  });
  if (failing.length === 0) return undefined;
  const values = [...new Set(failing.map((one) => stringOr(securityOf(one)['procMount'])))];
  const who = containersNamed(failing.map(nameOf));
  return {
    reason: 'procMount',
    detail: `${who} must not set securityContext.procMount to ${quoted(values)}`,
  };
};

const linuxTypes = ['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t'];

const seLinuxOptions: Check = (pod) => {
  const types = new Set<string>();
  const parts = new Set<string>();
  const who = podAndContainers(pod, (security) => {
    const options = objectOr(security['seLinuxOptions']);
    const type = stringOr(options['type']);
    if (!linuxTypes.includes(type)) types.add(type);
    const set = ['user', 'role'].filter((field) => stringOr(options[field]) !== '');
    for (const field of set) parts.add(field);
    return set.length > 0 || !linuxTypes.includes(type);
  });
  if (who.length === 0) return undefined;
  const what = [
    ...(types.size === 0 ? [] : [`${plural('type', types.size)} ${quoted([...types])}`]),
    ...['user', 'role'].filter((part) => parts.has(part)).map((part) => `${part} may not be set`),
  ];
  return {
    reason: 'seLinuxOptions',
    detail: `${who.join(' and ')} set forbidden securityContext.seLinuxOptions: ${what.join('; ')}`,
  };
};

const seccomp: Check = (pod) => {
  const who = podAndContainers(
    pod,
    (security) => objectOr(security['seccompProfile'])['type'] === 'Unconfined',
  );
  if (who.length === 0) return undefined;
  return {
    reason: 'seccompProfile',
    detail: `${who.join(' and ')} must not set securityContext.seccompProfile.type to "Unconfined"`,
  };
};

/** Since which minor version each is let through. */
const sysctlsAllowed: Readonly<Record<string, number>> = {
  'kernel.shm_rmid_forced': 0,
  'net.ipv4.ip_local_port_range': 0,
  'net.ipv4.tcp_syncookies': 0,
  'net.ipv4.ping_group_range': 0,
  'net.ipv4.ip_unprivileged_port_start': 0,
  'net.ipv4.ip_local_reserved_ports': 27,
  'net.ipv4.tcp_keepalive_time': 29,
  'net.ipv4.tcp_fin_timeout': 29,
  'net.ipv4.tcp_keepalive_intvl': 29,
  'net.ipv4.tcp_keepalive_probes': 29,
  'net.ipv4.tcp_rmem': 32,
  'net.ipv4.tcp_wmem': 32,
};

const sysctls: Check = (pod, minor) => {
  const names = [
    ...objectsOf(securityOf(pod.spec)['sysctls']).map(nameOf),
    ...Object.keys(objectOr(settingsOf(pod)['sysctls'])),
  ];
  const wrong = names.filter((name) => {
    const since = Object.hasOwn(sysctlsAllowed, name) ? sysctlsAllowed[name] : undefined;
    return since === undefined || since > minor;
  });
  return wrong.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: wrong.join(', ') };
};

const windowsHostProcess: Check = (pod) => {
  const who = podAndContainers(
    pod,
    (security) => objectOr(security['windowsOptions'])['hostProcess'] === true,
  );
  if (who.length === 0) return undefined;
  return {
    reason: 'hostProcess',
    detail: `${who.join(' and ')} must not set securityContext.windowsOptions.hostProcess=true`,
  };
};

const armourAnnotation = 'container.apparmor.security.beta.kubernetes.io/';

const appArmor: Check = (pod) => {
  const annotated = Object.entries(pod.metadata.annotations ?? {})
    .filter(([key]) => key.startsWith(armourAnnotation))
    .filter(([, value]) => !/^(|runtime\/default|localhost\/.*)$/.test(value))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .sort();
  const who = podAndContainers(pod, (security) => {
    const { type } = objectOr(security['appArmorProfile']);
    return type !== undefined && type !== 'RuntimeDefault' && type !== 'Localhost';
  });
  const named = who.map((one) => `${one} must not set AppArmor profile type to "Unconfined"`);
  const details = [...annotated, ...named];
  if (details.length === 0) return undefined;
  return {
    reason: `forbidden AppArmor ${plural('profile', details.length)}`,
    detail: details.join(', '),
  };
};

const hostOf = (handler: unknown): string =>
  ['httpGet', 'tcpSocket']
    .map((kind) => stringOr(objectOr(objectOr(handler)[kind])['host']))
    .find((host) => host !== '') ?? '';

const probeHosts: Check = ({ spec }, minor) => {
  if (minor < 34) return undefined;
  const failing = allContainers(spec).filter((one) => {
    const { postStart, preStop } = objectOr(one['lifecycle']);
    const probes = ['livenessProbe', 'readinessProbe', 'startupProbe'].map((field) => one[field]);
    return [...probes, postStart, preStop].some((handler) => hostOf(handler) !== '');
  });
  if (failing.length === 0) return undefined;
  const who = containersNamed(failing.map(nameOf));
  return {
    reason: 'probe or lifecycle host',
    detail: `${who} must not set a host in probes or lifecycle hooks`,
  };
};

export const baseline: readonly Check[] = [
  appArmor,
  capabilities,
  devices,
  hostNamespaces,
  hostPaths,
  hostPorts,
  privileged,
  probeHosts,
  procMount,
  seLinuxOptions,
  seccomp,
  sysctls,
  unmasked,
  windowsHostProcess,
];

/** What `restricted` judges more sharply. */
export const replacedByRestricted: ReadonlySet<Check> = new Set([capabilities, seccomp]);
