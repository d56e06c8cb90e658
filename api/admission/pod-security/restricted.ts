/** What the level `restricted` asks for beyond `baseline`. */
import { type JsonObject, objectOr, objectsOf } from '#api/resources/json.ts';
import { baseline, replacedByRestricted } from './baseline.ts';
import {
  allContainers,
  type Check,
  containersNamed,
  eachContainer,
  nameOf,
  plural,
  quoted,
  securityOf,
} from './containers.ts';

const forLinux =
  (check: Check): Check =>
  (pod, minor) =>
    objectOr(pod.spec['os'])['name'] === 'windows' && minor >= 25 ? undefined : check(pod, minor);

const escalation = eachContainer(
  'allowPrivilegeEscalation != false',
  (one) => securityOf(one)['allowPrivilegeEscalation'] !== false,
  (names) => `${containersNamed(names)} must set securityContext.allowPrivilegeEscalation=false`,
);

const listOf = (container: JsonObject, field: 'add' | 'drop'): string[] => {
  const list = objectOr(securityOf(container)['capabilities'])[field];
  return Array.isArray(list) ? list.map(String) : [];
};

const capabilities: Check = ({ spec }) => {
  const all = allContainers(spec);
  const keeping = all.filter((one) => !listOf(one, 'drop').includes('ALL')).map(nameOf);
  const foreign = (one: JsonObject) =>
    listOf(one, 'add').filter((name) => name !== 'NET_BIND_SERVICE');
  const adding = all.filter((one) => foreign(one).length > 0);
  const details = [
    ...(keeping.length === 0
      ? []
      : [`${containersNamed(keeping)} must set securityContext.capabilities.drop=["ALL"]`]),
    ...(adding.length === 0
      ? []
      : [
          `${containersNamed(adding.map(nameOf))} must not include ` +
            `${quoted([...new Set(adding.flatMap(foreign))].sort())} in securityContext.capabilities.add`,
        ]),
  ];
  if (details.length === 0) return undefined;
  return { reason: 'unrestricted capabilities', detail: details.join('; ') };
};

const volumeTypes = new Set([
  ...['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image'],
  ...['persistentVolumeClaim', 'projected', 'secret'],
]);

const volumes: Check = ({ spec }) => {
  const typeOf = (volume: JsonObject) => Object.keys(volume).find((key) => key !== 'name');
  const wrong = objectsOf(spec['volumes']).filter((volume) => {
    const type = typeOf(volume);
    return type !== undefined && !volumeTypes.has(type);
  });
  if (wrong.length === 0) return undefined;
  const types = [...new Set(wrong.map((one) => String(typeOf(one))))];
  const who = `${plural('volume', wrong.length)} ${quoted(wrong.map(nameOf))}`;
  const verb = wrong.length === 1 ? 'uses' : 'use';
  const what = `${plural('type', types.length)} ${quoted(types)}`;
  return { reason: 'restricted volume types', detail: `${who} ${verb} restricted volume ${what}` };
};

const runAsNonRoot: Check = ({ spec }) => {
  const reason = 'runAsNonRoot != true';
  const own = securityOf(spec)['runAsNonRoot'];
  const all = allContainers(spec);
  const bad = all.filter((one) => securityOf(one)['runAsNonRoot'] === false).map(nameOf);
  const explicit = [
    ...(own === false ? ['pod'] : []),
    ...(bad.length === 0 ? [] : [containersNamed(bad)]),
  ];
  if (explicit.length > 0) {
    const detail = `${explicit.join(' and ')} must not set securityContext.runAsNonRoot=false`;
    return { reason, detail };
  }
  if (own === true) return undefined;
  const silent = all.filter((one) => securityOf(one)['runAsNonRoot'] !== true).map(nameOf);
  if (silent.length === 0) return undefined;
  const detail = `pod or ${containersNamed(silent)} must set securityContext.runAsNonRoot=true`;
  return { reason, detail };
};

const runAsUser: Check = ({ spec }) => {
  const bad = allContainers(spec)
    .filter((one) => securityOf(one)['runAsUser'] === 0)
    .map(nameOf);
  const who = [
    ...(securityOf(spec)['runAsUser'] === 0 ? ['pod'] : []),
    ...(bad.length === 0 ? [] : [containersNamed(bad)]),
  ];
  if (who.length === 0) return undefined;
  return { reason: 'runAsUser=0', detail: `${who.join(' and ')} must not set runAsUser=0` };
};

const seccomp: Check = ({ spec }) => {
  const reason = 'seccompProfile';
  const typeOf = (one: JsonObject) => objectOr(securityOf(one)['seccompProfile'])['type'];
  const good = (type: unknown) => type === 'RuntimeDefault' || type === 'Localhost';
  const own = typeOf(spec);
  const all = allContainers(spec);
  const bad = all.filter((one) => typeOf(one) !== undefined && !good(typeOf(one))).map(nameOf);
  const explicit = [
    ...(own !== undefined && !good(own) ? ['pod'] : []),
    ...(bad.length === 0 ? [] : [containersNamed(bad)]),
  ];
  if (explicit.length > 0) {
    const detail = `${explicit.join(' and ')} must not set securityContext.seccompProfile.type to "Unconfined"`;
    return { reason, detail };
  }
  if (good(own)) return undefined;
  const silent = all.filter((one) => !good(typeOf(one))).map(nameOf);
  if (silent.length === 0) return undefined;
  const detail = `pod or ${containersNamed(silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`;
  return { reason, detail };
};

export const restricted: readonly Check[] = [
  forLinux(escalation),
  forLinux(capabilities),
  ...baseline.filter((check) => !replacedByRestricted.has(check)),
  volumes,
  runAsNonRoot,
  runAsUser,
  forLinux(seccomp),
];
