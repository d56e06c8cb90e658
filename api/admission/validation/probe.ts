/** Probes and lifecycle hooks: what the kubelet does to a container from outside (`validateHandler`). */
import { isObject, type JsonObject, objectOr, stringOr } from '#api/resources/json.ts';
import { portNameProblems } from '#api/resources/names.ts';
import type { StatusCause } from '#api/resources/status.ts';
import {
  checkNotNegative,
  checkOneOf,
  checkPort,
  forbiddenField,
  inEach,
  invalidBecause,
  invalidValue,
  required,
  together,
} from './causes.ts';

const PROBE_HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc'];
const HOOK_HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'sleep'];

/** A port by number or by the name a container gave it. */
export function checkPortReference(field: string, port: unknown): StatusCause[] {
  if (typeof port === 'string') return invalidBecause(field, port, portNameProblems(port));
  return checkPort(field, port);
}

function checkHandler(field: string, name: string, handler: JsonObject): StatusCause[] {
  switch (name) {
    case 'exec':
      return Array.isArray(handler['command']) && handler['command'].length > 0
        ? []
        : [required(`${field}.command`)];
    case 'httpGet':
      return together(
        stringOr(handler['path']) === '' ? [required(`${field}.path`)] : [],
        checkPortReference(`${field}.port`, handler['port']),
        checkOneOf(`${field}.scheme`, handler['scheme'], ['HTTP', 'HTTPS']),
      );
    case 'tcpSocket':
      return checkPortReference(`${field}.port`, handler['port']);
    case 'grpc':
      return checkPort(`${field}.port`, handler['port']);
    default:
      return checkNotNegative(`${field}.seconds`, handler['seconds']);
  }
}

function checkHandlers(field: string, holder: JsonObject, known: readonly string[]): StatusCause[] {
  const present = known.filter((name) => isObject(holder[name]));
  if (present.length === 0) return [required(field, 'must specify a handler type')];
  return inEach(present, (name, i) =>
    i === 0
      ? checkHandler(`${field}.${name}`, name, objectOr(holder[name]))
      : [forbiddenField(`${field}.${name}`, 'may not specify more than 1 handler type')],
  );
}

const SECONDS = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
];

function checkProbe(field: string, probe: JsonObject, onceIsEnough: boolean): StatusCause[] {
  const causes = together(
    checkHandlers(field, probe, PROBE_HANDLERS),
    inEach(SECONDS, (name) => checkNotNegative(`${field}.${name}`, probe[name])),
  );
  const { terminationGracePeriodSeconds: grace, successThreshold } = probe;
  if (typeof grace === 'number' && grace <= 0) {
    const detail = 'must be greater than 0';
    causes.push(invalidValue(`${field}.terminationGracePeriodSeconds`, grace, detail));
  }
  if (onceIsEnough && successThreshold !== undefined && successThreshold !== 1) {
    causes.push(invalidValue(`${field}.successThreshold`, successThreshold, 'must be 1'));
  }
  return causes;
}

/** The probes and hooks of one container. */
export function checkProbes(field: string, container: JsonObject): StatusCause[] {
  const causes: StatusCause[] = [];
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const probe = container[name];
    if (!isObject(probe)) continue;
    causes.push(...checkProbe(`${field}.${name}`, probe, name !== 'readinessProbe'));
  }
  const lifecycle = objectOr(container['lifecycle']);
  for (const name of ['postStart', 'preStop']) {
    const hook = lifecycle[name];
    if (isObject(hook)) {
      causes.push(...checkHandlers(`${field}.lifecycle.${name}`, hook, HOOK_HANDLERS));
    }
  }
  return causes;
}
