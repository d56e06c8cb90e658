/**
 * What names of the cluster's domain mean: Kubernetes' DNS-based service discovery (specification 1.1.0). Pure reads of what the
 * node follows.
 *
 *   <service>.<namespace>.svc.<domain>                        its address, or its endpoints' if it is headless
 *   <endpoint>.<service>.<namespace>.svc.<domain>             one endpoint of a headless Service: host name or 10-0-0-7
 *   _<port>._<protocol>.<service>.<namespace>.svc.<domain>    SRV
 *   10-0-0-7.<namespace>.pod.<domain>                         a pod's address
 */
import type { EndpointSlice, Service } from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import {
  type Answer,
  addressBytes,
  codes,
  nameBytes,
  type Record,
  serviceBytes,
  types,
} from './message.ts';

export interface ZoneView {
  /** With the indexes `namespace` and `address`. */
  readonly services: Cache<Service>;
  /** With the indexes `service` and `address`. */
  readonly slices: Cache<EndpointSlice>;
}

export interface ZoneOptions {
  readonly domain: string;
  readonly view: ZoneView;
}

/** Long enough to spare the busiest, short enough that nobody goes on to an endpoint that is gone. */
const ttl = 5;

/** The name leads out of the cluster: its answer begins with the record, the rest is the target's. */
export interface Alias {
  readonly record: Record;
  readonly target: string;
}

export type Found = Answer | { readonly alias: Alias };

interface EndpointPlace {
  readonly label: string;
  readonly ip: string;
  readonly ports: NonNullable<EndpointSlice['ports']>;
}

const isHeadless = ({ spec }: Service): boolean => spec?.clusterIP === 'None';
const isV4 = (ip: string): boolean => /^\d+\.\d+\.\d+\.\d+$/.test(ip);

export class Zone {
  readonly #domain: string;
  readonly #view: ZoneView;

  constructor({ domain, view }: ZoneOptions) {
    this.#domain = domain.toLowerCase();
    this.#view = view;
  }

  /** `undefined`: the name is not of the cluster. */
  find(name: string, type: number): Found | undefined {
    const lower = name.toLowerCase();
    if (lower.endsWith('.in-addr.arpa')) return this.#reverse(name, lower, type);
    if (lower !== this.#domain && !lower.endsWith(`.${this.#domain}`)) return undefined;
    const labels = lower
      .slice(0, -this.#domain.length - 1)
      .split('.')
      .filter(Boolean);
    const kind = labels.at(-1);
    if (kind === undefined) return this.#nothing(codes.ok);
    if (kind === 'dns-version' && labels.length === 1) return this.#version(name, type);
    if (kind === 'pod') return this.#pod(name, labels.slice(0, -1), type);
    if (kind === 'svc') return this.#service(name, labels.slice(0, -1), type);
    return this.#nothing(codes.noName);
  }

  #version(name: string, type: number): Answer {
    const text = '1.1.0';
    const value = Buffer.concat([Buffer.of(text.length), Buffer.from(text)]);
    if (type !== types.txt && type !== types.any) return this.#nothing(codes.ok);
    return { code: codes.ok, answers: [{ name, type: types.txt, ttl, value }] };
  }

  #pod(name: string, labels: readonly string[], type: number): Answer {
    const [address = '', namespace] = labels;
    if (labels.length > 2) return this.#nothing(codes.noName);
    if (namespace === undefined) return this.#nothing(codes.ok);
    const ip = address.replaceAll('-', '.');
    if (!isV4(ip) || ip.split('.').some((part) => Number(part) > 255))
      return this.#nothing(codes.noName);
    return this.#addresses(name, type, [ip]);
  }

  #service(name: string, labels: readonly string[], type: number): Found {
    const namespace = labels.at(-1);
    if (namespace === undefined) return this.#nothing(codes.ok);
    if (labels.length === 1) {
      const isThere = this.#view.services.byIndex('namespace', namespace).length > 0;
      return this.#nothing(isThere ? codes.ok : codes.noName);
    }
    const service = this.#view.services.get(`${namespace}/${labels.at(-2)}`);
    if (service === undefined) return this.#nothing(codes.noName);
    const before = labels.slice(0, -2);
    if (service.spec?.type === 'ExternalName') {
      if (before.length > 0) return this.#nothing(codes.noName);
      const target = (service.spec.externalName ?? '').replace(/\.$/, '');
      return {
        alias: { record: { name, type: types.cname, ttl, value: nameBytes(target) }, target },
      };
    }
    if (before.length === 0) return this.#addresses(name, type, this.#ipsOf(service));
    if (before.length === 1) return this.#endpoint(name, type, service, before[0] ?? '');
    if (before.length === 2) return this.#ports(name, type, service, before);
    return this.#nothing(codes.noName);
  }

  #ipsOf(service: Service): string[] {
    if (isHeadless(service)) return this.#endpoints(service).map(({ ip }) => ip);
    return (service.spec?.clusterIPs ?? [service.spec?.clusterIP ?? '']).filter(isV4);
  }

  /** Those that are ready; a Service that publishes all has them told so. */
  #endpoints({ metadata }: Service): EndpointPlace[] {
    const slices = this.#view.slices.byIndex('service', `${metadata.namespace}/${metadata.name}`);
    const places = new Map<string, EndpointPlace>();
    for (const { endpoints = [], ports = [], addressType } of slices) {
      if (addressType !== 'IPv4') continue;
      for (const { addresses, conditions, hostname } of endpoints ?? []) {
        const [ip] = addresses;
        if (ip === undefined || conditions?.ready === false) continue;
        const label = (hostname ?? ip.replaceAll('.', '-')).toLowerCase();
        const known = places.get(`${label} ${ip}`)?.ports ?? [];
        places.set(`${label} ${ip}`, { label, ip, ports: [...known, ...(ports ?? [])] });
      }
    }
    return [...places.values()];
  }

  #endpoint(name: string, type: number, service: Service, label: string): Answer {
    if (/^_(tcp|udp|sctp)$/.test(label)) return this.#nothing(codes.ok);
    if (!isHeadless(service)) return this.#nothing(codes.noName);
    const ips = this.#endpoints(service).filter((place) => place.label === label);
    if (ips.length === 0) return this.#nothing(codes.noName);
    return this.#addresses(
      name,
      type,
      ips.map(({ ip }) => ip),
    );
  }

  #ports(name: string, type: number, service: Service, labels: readonly string[]): Answer {
    const [port = '', protocol = ''] = labels.map((label) => label.slice(1));
    if (!labels.every((label) => label.startsWith('_'))) return this.#nothing(codes.noName);
    const isAsked = (one: { name?: string; protocol?: string }) =>
      one.name === port && (one.protocol ?? 'TCP').toLowerCase() === protocol;
    const { metadata, spec } = service;
    const base = `${metadata.name}.${metadata.namespace}.svc.${this.#domain}`;
    const found = isHeadless(service)
      ? this.#endpoints(service).flatMap(({ label, ip, ports }) =>
          ports
            .filter(isAsked)
            .map(({ port: number = 0 }) => ({ target: `${label}.${base}`, number, ips: [ip] })),
        )
      : (spec?.ports ?? [])
          .filter(isAsked)
          .map(({ port: number }) => ({ target: base, number, ips: this.#ipsOf(service) }));
    if (found.length === 0) return this.#nothing(codes.noName);
    if (type !== types.srv && type !== types.any) return this.#nothing(codes.ok);
    return {
      code: codes.ok,
      answers: found.map(({ target, number }) => ({
        name,
        type: types.srv,
        ttl,
        value: serviceBytes(number, target),
      })),
      additionals: found.flatMap(({ target, ips }) =>
        ips.map((ip) => ({ name: target, type: types.a, ttl, value: addressBytes(ip) })),
      ),
    };
  }

  /** Addresses of the cluster; others are asked for elsewhere. */
  #reverse(name: string, lower: string, type: number): Answer | undefined {
    const ip = lower.slice(0, -'.in-addr.arpa'.length).split('.').toReversed().join('.');
    const services = this.#view.services.byIndex('address', ip);
    const base = ({ metadata }: Service) =>
      `${metadata.name}.${metadata.namespace}.svc.${this.#domain}`;
    const endpoints = this.#view.slices.byIndex('address', ip).flatMap((slice) => {
      const service = this.#view.services.get(
        `${slice.metadata.namespace}/${slice.metadata.labels?.['kubernetes.io/service-name']}`,
      );
      if (service === undefined || !isHeadless(service)) return [];
      const places = this.#endpoints(service).filter((place) => place.ip === ip);
      return places.map(({ label }) => `${label}.${base(service)}`);
    });
    const targets = [...new Set([...services.map(base), ...endpoints])];
    if (targets.length === 0) return undefined;
    if (type !== types.ptr && type !== types.any) return this.#nothing(codes.ok);
    const record = (target: string) => ({ name, type: types.ptr, ttl, value: nameBytes(target) });
    return { code: codes.ok, answers: targets.map(record) };
  }

  #addresses(name: string, type: number, ips: readonly string[]): Answer {
    if (ips.length === 0 || (type !== types.a && type !== types.any))
      return this.#nothing(codes.ok);
    return {
      code: codes.ok,
      answers: shuffled(ips).map((ip) => ({ name, type: types.a, ttl, value: addressBytes(ip) })),
    };
  }

  /** No such name, or nothing of the type: the zone's SOA says how long that may be remembered. */
  #nothing(code: number): Answer {
    const numbers = Buffer.alloc(20);
    for (const [i, value] of [1, 7200, 1800, 86_400, ttl].entries())
      numbers.writeUInt32BE(value, i * 4);
    const value = Buffer.concat([
      nameBytes(`ns.dns.${this.#domain}`),
      nameBytes(`hostmaster.${this.#domain}`),
      numbers,
    ]);
    const soa = { name: this.#domain, type: types.soa, ttl, value };
    return { code, answers: [], authorities: [soa] };
  }
}

/** Clients take the first: each time it is another. */
function shuffled(ips: readonly string[]): readonly string[] {
  const first = Math.floor(Math.random() * ips.length);
  return [...ips.slice(first), ...ips.slice(0, first)];
}
