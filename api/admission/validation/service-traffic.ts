/** Who may come to a Service and which of its endpoints they are led to (`ValidateService`). */
import { isIP } from 'node:net';
import { type JsonObject, stringOr } from '#api/resources/json.ts';
import type { StatusCause } from '#api/resources/status.ts';
import { checkOneOf, checkPort, forbiddenField, invalidValue, together } from './causes.ts';

const POLICIES = ['Cluster', 'Local'];
const DISTRIBUTIONS = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];
const onlyBalanced = "may only be used when `type` is 'LoadBalancer'";

const isBalanced = (spec: JsonObject): boolean => spec['type'] === 'LoadBalancer';

/** Whether balancers ask a port of its own whether a node has endpoints. */
const isChecked = (spec: JsonObject): boolean =>
  isBalanced(spec) && spec['externalTrafficPolicy'] === 'Local';

function isReachedFromOutside(spec: JsonObject): boolean {
  if (isBalanced(spec) || spec['type'] === 'NodePort') return true;
  const { externalIPs } = spec;
  return spec['type'] === 'ClusterIP' && Array.isArray(externalIPs) && externalIPs.length > 0;
}

function checkRange(field: string, value: unknown): StatusCause[] {
  // Blanks around it are allowed since the ranges were an annotation.
  const text = stringOr(value).trim();
  const [address = '', bits = '', ...more] = text.split('/');
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  if (/^\d{1,3}$/.test(bits) && Number(bits) <= most && more.length === 0) return [];
  const detail = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
  return [invalidValue(field, text, detail)];
}

function checkSourceRanges(spec: JsonObject): StatusCause[] {
  const ranges = spec['loadBalancerSourceRanges'];
  if (!Array.isArray(ranges) || ranges.length === 0) return [];
  // Kubernetes writes the field so.
  const field = 'spec.LoadBalancerSourceRanges';
  return [
    ...(isBalanced(spec) ? [] : [forbiddenField(field, onlyBalanced)]),
    ...ranges.flatMap((range, i) => checkRange(`${field}[${i}]`, range)),
  ];
}

function checkExternal(spec: JsonObject): StatusCause[] {
  const { externalTrafficPolicy: policy } = spec;
  if (policy === undefined || policy === '') return [];
  const field = 'spec.externalTrafficPolicy';
  if (isReachedFromOutside(spec)) return checkOneOf(field, policy, POLICIES);
  return [invalidValue(field, policy, 'may only be set for externally-accessible services')];
}

/** 0 and absent are one: a port is allocated where one is needed. */
function checkHealthPort(spec: JsonObject): StatusCause[] {
  const { healthCheckNodePort: port = 0 } = spec;
  if (port === 0) return [];
  const field = 'spec.healthCheckNodePort';
  if (isChecked(spec)) return checkPort(field, port);
  const detail =
    "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
  return [invalidValue(field, port, detail)];
}

/** What the fields say that lead traffic: policies, ranges, the port of the health check, the distribution. */
export function checkTraffic(spec: JsonObject): StatusCause[] {
  const { internalTrafficPolicy, trafficDistribution } = spec;
  const isSet = (value: unknown) => value !== undefined && value !== '';
  return together(
    checkSourceRanges(spec),
    checkExternal(spec),
    checkHealthPort(spec),
    isSet(internalTrafficPolicy)
      ? checkOneOf('spec.internalTrafficPolicy', internalTrafficPolicy, POLICIES)
      : [],
    trafficDistribution === undefined
      ? []
      : checkOneOf('spec.trafficDistribution', trafficDistribution, DISTRIBUTIONS),
  );
}

/** A balancer goes on to ask the port that it was told. */
export function checkTrafficUpdate(spec: JsonObject, old: JsonObject): StatusCause[] {
  if (!isChecked(spec) || !isChecked(old)) return [];
  if (spec['healthCheckNodePort'] === old['healthCheckNodePort']) return [];
  return [forbiddenField('spec.healthCheckNodePort', 'field is immutable')];
}
