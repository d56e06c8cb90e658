/**
 * A container's environment: the image's, the services', `envFrom` and `env`, in that order, later ones winning, with
 * `$(NAME)` expanded from what came before. Pure: the ConfigMaps and Secrets it names are given.
 */
import { milliValue, value } from '#api/resources/quantity.ts';
import type {
  ConfigMap,
  EnvVar,
  Pod,
  PodContainer,
  Secret,
  Service,
} from '#api/resources/types.ts';
import { expand } from './expansion.ts';
import { needsOf } from './resources.ts';

/** The objects that `env` and `envFrom` may name, by name; those missing from the API are absent. */
export interface EnvSources {
  readonly configMaps: ReadonlyMap<string, ConfigMap>;
  readonly secrets: ReadonlyMap<string, Secret>;
}

export interface EnvFacts {
  readonly pod: Pod;
  readonly podIP?: string;
  readonly hostIP: string;
  readonly sources: EnvSources;
  /** Services of the pod's namespace and `default/kubernetes`. */
  readonly services: readonly Service[];
  /** What `resourceFieldRef` gives for a limit that is not set. */
  readonly allocatable: { readonly cpuMillis: number; readonly memoryBytes: number };
}

/** Something `env` asks for cannot be given; kubelet's reason is `CreateContainerConfigError`. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Names of the ConfigMaps and Secrets that a container's environment needs. */
export function envReferences(container: PodContainer): {
  readonly configMaps: ReadonlySet<string>;
  readonly secrets: ReadonlySet<string>;
} {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  for (const { configMapRef, secretRef } of container.envFrom ?? []) {
    if (configMapRef?.name !== undefined) configMaps.add(configMapRef.name);
    if (secretRef?.name !== undefined) secrets.add(secretRef.name);
  }
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.configMapKeyRef?.name !== undefined)
      configMaps.add(valueFrom.configMapKeyRef.name);
    if (valueFrom?.secretKeyRef?.name !== undefined) secrets.add(valueFrom.secretKeyRef.name);
  }
  return { configMaps, secrets };
}

/**
 * The variables the pod's document asks for, by name: services', `envFrom`, `env`.
 * @throws ConfigError naming the object or key that is missing.
 */
export function podEnv(container: PodContainer, facts: EnvFacts): Map<string, string> {
  const result = new Map<string, string>();
  const services = serviceEnv(facts);
  for (const from of container.envFrom ?? []) {
    for (const [name, text] of entriesFrom(from, facts))
      result.set(`${from.prefix ?? ''}${name}`, text);
  }
  for (const variable of container.env ?? []) {
    const text = variableOf(
      variable,
      container,
      facts,
      (name) => result.get(name) ?? services.get(name),
    );
    if (text !== undefined) result.set(variable.name, text);
  }
  for (const [name, text] of services) if (!result.has(name)) result.set(name, text);
  return result;
}

type EnvFrom = NonNullable<PodContainer['envFrom']>[number];

function entriesFrom(from: EnvFrom, { sources }: EnvFacts): [string, string][] {
  if (from.configMapRef !== undefined) {
    const name = from.configMapRef.name ?? '';
    const found = sources.configMaps.get(name);
    if (found === undefined && from.configMapRef.optional !== true)
      throw missing('configmap', name);
    return Object.entries(found?.data ?? {});
  }
  const name = from.secretRef?.name ?? '';
  const found = sources.secrets.get(name);
  if (found === undefined && from.secretRef?.optional !== true) throw missing('secret', name);
  return Object.entries(found?.data ?? {}).map(([key, data]) => [key, fromBase64(data)]);
}

const fromBase64 = (data: string): string => Buffer.from(data, 'base64').toString('utf8');

const missing = (kind: string, name: string): ConfigError =>
  new ConfigError(`${kind} "${name}" not found`);

/** undefined: the reference is optional and its object or key is missing. */
function variableOf(
  variable: EnvVar,
  container: PodContainer,
  facts: EnvFacts,
  lookUp: (name: string) => string | undefined,
): string | undefined {
  const from = variable.valueFrom;
  if (from === undefined) return expand(variable.value ?? '', lookUp);
  if (from.fieldRef !== undefined) return fieldOf(from.fieldRef.fieldPath, facts);
  if (from.resourceFieldRef !== undefined) {
    return resourceOf(from.resourceFieldRef, container, facts);
  }
  return keyOfSource(from, facts);
}

function keyOfSource(from: NonNullable<EnvVar['valueFrom']>, facts: EnvFacts): string | undefined {
  const { configMapKeyRef, secretKeyRef } = from;
  const reference = configMapKeyRef ?? secretKeyRef;
  if (reference === undefined) throw new ConfigError('valueFrom names no source');
  const kind = configMapKeyRef === undefined ? 'secret' : 'configmap';
  const sources = configMapKeyRef === undefined ? facts.sources.secrets : facts.sources.configMaps;
  const name = reference.name ?? '';
  const found = sources.get(name);
  if (found === undefined) {
    if (reference.optional === true) return undefined;
    throw missing(kind, name);
  }
  const text = found.data?.[reference.key];
  if (text !== undefined) return kind === 'secret' ? fromBase64(text) : text;
  if (reference.optional === true) return undefined;
  const title = kind === 'secret' ? 'Secret' : 'ConfigMap';
  const namespace = facts.pod.metadata.namespace ?? '';
  throw new ConfigError(`couldn't find key ${reference.key} in ${title} ${namespace}/${name}`);
}

/** The value of a `fieldRef`. @throws ConfigError for a path that is not served. */
export function fieldOf(path: string, facts: Pick<EnvFacts, 'pod' | 'podIP' | 'hostIP'>): string {
  const { pod, podIP, hostIP } = facts;
  const { metadata, spec } = pod;
  const plain: Record<string, string | undefined> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace,
    'metadata.uid': metadata.uid,
    'spec.nodeName': spec?.nodeName,
    'spec.serviceAccountName': spec?.serviceAccountName ?? 'default',
    'status.hostIP': hostIP,
    'status.hostIPs': hostIP,
    'status.podIP': podIP,
    'status.podIPs': podIP,
    'metadata.labels': fieldLines(metadata.labels),
    'metadata.annotations': fieldLines(metadata.annotations),
  };
  if (Object.hasOwn(plain, path)) return plain[path] ?? '';
  const subscript = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (subscript === null) throw new ConfigError(`unsupported fieldPath: ${path}`);
  const map = subscript[1] === 'labels' ? metadata.labels : metadata.annotations;
  return map?.[subscript[2] ?? ''] ?? '';
}

/** `key="value"` lines, sorted, as the downward API writes maps (pkg/fieldpath/fieldpath.go). */
function fieldLines(map: Record<string, string> | undefined): string {
  const lines = Object.entries(map ?? {}).map(([key, text]) => `${key}=${JSON.stringify(text)}`);
  return lines.sort().join('\n');
}

export interface ResourceField {
  readonly resource: string;
  readonly divisor?: string;
}

/** The value of a `resourceFieldRef`, in units of its divisor, rounded up. @throws ConfigError */
export function resourceOf(
  field: ResourceField,
  container: PodContainer,
  facts: Pick<EnvFacts, 'allocatable'>,
): string {
  const { requests, limits } = needsOf(container);
  const { allocatable } = facts;
  const divisor = field.divisor === undefined || field.divisor === '0' ? '1' : field.divisor;
  switch (field.resource) {
    case 'limits.cpu':
      return perCpu(limits.cpuMillis ?? allocatable.cpuMillis, divisor);
    case 'requests.cpu':
      return perCpu(requests.cpuMillis ?? 0, divisor);
    case 'limits.memory':
      return perByte(limits.memoryBytes ?? allocatable.memoryBytes, divisor);
    case 'requests.memory':
      return perByte(requests.memoryBytes ?? 0, divisor);
    default: {
      const [list, name = ''] = field.resource.split(/\.(.*)/s);
      const amount = container.resources?.[list === 'limits' ? 'limits' : 'requests']?.[name];
      return perByte(amount === undefined ? 0 : value(amount), divisor);
    }
  }
}

const perCpu = (millis: number, divisor: string): string =>
  String(Math.ceil(millis / Math.max(milliValue(divisor), 1)));
const perByte = (bytes: number, divisor: string): string =>
  String(Math.ceil(bytes / Math.max(value(divisor), 1)));

/** `X_SERVICE_HOST`, `X_SERVICE_PORT` and Docker's link variables (pkg/kubelet/envvars/envvars.go). */
function serviceEnv({ services, pod }: EnvFacts): Map<string, string> {
  const result = new Map<string, string>();
  const links = pod.spec?.enableServiceLinks ?? true;
  for (const service of services) {
    const ip = service.spec?.clusterIP;
    if (ip === undefined || ip === '' || ip === 'None') continue;
    const { name, namespace } = service.metadata;
    const isMaster = name === 'kubernetes' && namespace === 'default';
    if (!isMaster && !(links && namespace === pod.metadata.namespace)) continue;
    for (const [key, text] of variablesOf(service, ip)) result.set(key, text);
  }
  return result;
}

function variablesOf(service: Service, ip: string): [string, string][] {
  const prefix = service.metadata.name.toUpperCase().replaceAll('-', '_');
  const ports = service.spec?.ports ?? [];
  const result: [string, string][] = [[`${prefix}_SERVICE_HOST`, ip]];
  const first = ports[0];
  if (first !== undefined) {
    const protocol = (first.protocol ?? 'TCP').toLowerCase();
    result.push([`${prefix}_SERVICE_PORT`, String(first.port)]);
    result.push([`${prefix}_PORT`, `${protocol}://${ip}:${first.port}`]);
  }
  for (const { name, port, protocol = 'TCP' } of ports) {
    const link = `${prefix}_PORT_${port}_${protocol}`;
    const named = name === undefined ? '' : name.toUpperCase().replaceAll('-', '_');
    if (named !== '') result.push([`${prefix}_SERVICE_PORT_${named}`, String(port)]);
    result.push([link, `${protocol.toLowerCase()}://${ip}:${port}`]);
    result.push([`${link}_PROTO`, protocol.toLowerCase()]);
    result.push([`${link}_PORT`, String(port)], [`${link}_ADDR`, ip]);
  }
  return result;
}
