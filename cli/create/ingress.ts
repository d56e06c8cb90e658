/** `bay create ingress NAME --rule=HOST/PATH=SERVICE:PORT[,tls[=SECRET]]`. */
import type { ResourceType } from '#api/resources/meta.ts';
import { UsageError } from '../arguments.ts';
import { kindOf } from './kind.ts';

const ingresses: ResourceType = {
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'ingresses',
  kind: 'Ingress',
  namespaced: true,
};

const form = /^([\w*.-]*)(\/.*)=([\w-]+):([\w-]+)$/;

interface Rule {
  readonly host: string;
  readonly path: object;
  /** Absent: no TLS; empty: with the default certificate. */
  readonly secret: string | undefined;
}

const backendOf = (name: string, port: string) => ({
  service: { name, port: /^\d+$/.test(port) ? { number: Number(port) } : { name: port } },
});

function ruleOf(text: string): Rule {
  const [place = '', tls, more] = text.split(',');
  const [, host = '', path = '', service = '', port = ''] = form.exec(place) ?? [];
  if (service === '') {
    throw new UsageError(
      `rule ${text} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]`,
    );
  }
  const isPrefix = path.endsWith('*');
  const secret = more === undefined ? /^tls(?:=([\w-]*))?$/.exec(tls ?? '') : null;
  return {
    host,
    path: {
      path: isPrefix ? path.slice(0, -1) : path,
      pathType: isPrefix ? 'Prefix' : 'Exact',
      backend: backendOf(service, port),
    },
    secret: secret === null ? undefined : (secret[1] ?? ''),
  };
}

/** The paths of each host, in the order of their first rules. */
function rulesOf(rules: readonly Rule[]): object[] {
  return [...Map.groupBy(rules, ({ host }) => host)].map(([host, own]) => ({
    ...(host === '' ? {} : { host }),
    http: { paths: own.map(({ path }) => path) },
  }));
}

/** The hosts of each secret; a host that has one already gets no other. */
function tlsOf(rules: readonly Rule[]): object[] {
  const secrets = new Map<string, Set<string>>();
  const seen = new Set<string>();
  for (const { host, secret } of rules) {
    if (secret === undefined || (host !== '' && seen.has(host))) continue;
    const hosts = secrets.get(secret) ?? new Set();
    if (host !== '') hosts.add(host);
    seen.add(host);
    secrets.set(secret, hosts);
  }
  return [...secrets].map(([secretName, hosts]) => ({
    ...(hosts.size === 0 ? {} : { hosts: [...hosts] }),
    ...(secretName === '' ? {} : { secretName }),
  }));
}

function annotationOf(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
  throw new UsageError(`annotation ${text} is invalid and should be in format key=[value]`);
}

export const ingress = kindOf({
  type: ingresses,
  flags: {
    rule: { type: 'string', multiple: true },
    class: { type: 'string' },
    'default-backend': { type: 'string' },
    annotation: { type: 'string', multiple: true },
  },
  make({ name, values }) {
    const { rule = [], class: ingressClassName = '', 'default-backend': backend = '' } = values;
    if (rule.length === 0 && backend === '') {
      throw new UsageError(
        'not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)',
      );
    }
    const rules = rule.map(ruleOf);
    const annotations = Object.fromEntries((values.annotation ?? []).map(annotationOf));
    const [service = '', port = '', more] = backend.split(':');
    if (backend !== '' && (service === '' || port === '' || more !== undefined)) {
      throw new UsageError('default-backend should be in format servicename:serviceport');
    }
    const tls = tlsOf(rules);
    return {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) },
      spec: {
        ...(ingressClassName === '' ? {} : { ingressClassName }),
        ...(backend === '' ? {} : { defaultBackend: backendOf(service, port) }),
        ...(rules.length === 0 ? {} : { rules: rulesOf(rules) }),
        ...(tls.length === 0 ? {} : { tls }),
      },
    };
  },
});
