/** `Mounts` and `NetworkSettings` of `docker inspect`. Pure. */
import { type Container, type Mount, portsOf as portsNow } from '../container.ts';
import { type Config, portKey } from './config.ts';
import type { Facts } from './facts.ts';
import { bindings } from './host-config.ts';

function mounted(mount: Mount, { mounts }: Facts): object {
  const { type, source, target, readOnly = false, propagation } = mount;
  const kept = mounts.find((one) => one.target === target);
  const shared = { Destination: target, Mode: '', RW: !readOnly };
  if (type === 'tmpfs') return { Type: type, Source: '', ...shared, Propagation: '' };
  if (type === 'bind') {
    return { Type: type, Source: source ?? '', ...shared, Propagation: propagation ?? 'rprivate' };
  }
  return {
    Type: type,
    // Of one that goes with the container.
    Name: source ?? '',
    Source: kept?.source ?? '',
    ...shared,
    Driver: 'local',
    Propagation: '',
  };
}

/** The document's, and the volumes that the image asks for. */
export function mountsOf({ spec }: Container, facts: Facts): object[] {
  const own = spec.mounts ?? [];
  const targets = new Set(own.map(({ target }) => target));
  const asked = Object.keys(facts.image?.Config.Volumes ?? {}).filter((one) => !targets.has(one));
  const all = [...own, ...asked.map((target): Mount => ({ type: 'volume', target }))];
  return all.map((mount) => mounted(mount, facts));
}

/** What is exposed and not published has `null`. */
function portsOf(container: Container, config: Config): object {
  const { spec, status } = container;
  const isUp = status?.phase === 'running' || status?.phase === 'paused';
  if (!isUp || spec.network === 'host' || spec.network?.startsWith('container:')) return {};
  const inside = [...Object.keys(config.ExposedPorts ?? {}), ...(spec.ports ?? []).map(portKey)];
  const published = bindings(portsNow(container));
  return Object.fromEntries(inside.map((key) => [key, published[key] ?? null]));
}

/** The network is named as in `bay ps`. */
export function networkSettingsOf(container: Container, config: Config, facts: Facts): object {
  const { spec, status } = container;
  const { network = 'bridge' } = spec;
  const ip = network === 'bridge' ? (status?.ip ?? '') : '';
  const own = ip === '' ? undefined : facts.network;
  // Alone on its link: all it sends goes by the gateway.
  const prefix = ip === '' ? 0 : 32;
  const endpoint = {
    Gateway: own?.gateway ?? '',
    IPAddress: ip,
    IPPrefixLen: prefix,
    MacAddress: own?.mac ?? '',
  };
  const name = network === 'bridge' ? 'cluster' : network;
  const isOther = network.startsWith('container:');
  return {
    Ports: portsOf(container, config),
    ...endpoint,
    Networks: isOther ? {} : { [name]: endpoint },
  };
}
