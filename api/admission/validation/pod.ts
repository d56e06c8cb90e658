/** Pods and what a template has of them (`ValidatePodSpec`, `ValidatePodCreate`). */
import { isObject, type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { labelProblems, qualifiedNameProblems, subdomainProblems } from '#api/resources/names.ts';
import type { StatusCause } from '#api/resources/status.ts';
import {
  checkNotNegative,
  checkOneOf,
  checkUnique,
  forbiddenField,
  inEach,
  invalidBecause,
  invalidValue,
  required,
  together,
} from './causes.ts';
import { checkContainers, checkId } from './container.ts';
import { checkLabels } from './metadata.ts';
import { checkEphemeralContainers } from './pod-parts.ts';
import { checkPodResources } from './pod-resources.ts';
import { checkScheduling, checkTolerations } from './scheduling.ts';
import { checkPodSecurity } from './security-context.ts';
import { checkVolumes } from './volume.ts';

export const RESTART_POLICIES = ['Always', 'OnFailure', 'Never'];
const DNS_POLICIES = ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'];
const MAX_SECONDS = 2 ** 31 - 1;

function checkDns(field: string, spec: JsonObject): StatusCause[] {
  const causes = checkOneOf(`${field}.dnsPolicy`, spec['dnsPolicy'], DNS_POLICIES);
  const servers = objectOr(spec['dnsConfig'])['nameservers'];
  const count = Array.isArray(servers) ? servers.length : 0;
  if (spec['dnsPolicy'] === 'None' && !isObject(spec['dnsConfig'])) {
    const detail = 'must provide `dnsConfig` when `dnsPolicy` is None';
    causes.push(required(`${field}.dnsConfig`, detail));
  } else if (spec['dnsPolicy'] === 'None' && count === 0) {
    const detail = 'must provide at least one DNS nameserver when `dnsPolicy` is None';
    causes.push(required(`${field}.dnsConfig.nameservers`, detail));
  }
  if (count > 3) {
    const detail = 'must not have more than 3 nameservers';
    causes.push(invalidValue(`${field}.dnsConfig.nameservers`, servers, detail));
  }
  return causes;
}

function checkOptionalName(
  field: string,
  value: unknown,
  problemsOf: (value: string) => string[],
): StatusCause[] {
  const name = stringOr(value);
  return name === '' ? [] : invalidBecause(field, name, problemsOf(name));
}

function checkDeadline(field: string, seconds: unknown): StatusCause[] {
  if (seconds === undefined || seconds === null) return [];
  if (typeof seconds === 'number' && seconds >= 1 && seconds <= MAX_SECONDS) return [];
  return [invalidValue(field, seconds, `must be between 1 and ${MAX_SECONDS}, inclusive`)];
}

function checkHostNetwork(field: string, spec: JsonObject): StatusCause[] {
  if (spec['hostNetwork'] !== true) return [];
  const detail = 'must match `hostPort` when `hostNetwork` is true';
  return inEach(objectsOf(spec['containers']), (container, i) =>
    inEach(objectsOf(container['ports']), ({ containerPort, hostPort }, j) => {
      // A template's host ports are only filled in when a pod is made of it.
      if (hostPort === undefined || hostPort === 0 || hostPort === containerPort) return [];
      return [
        invalidValue(`${field}.containers[${i}].ports[${j}].containerPort`, containerPort, detail),
      ];
    }),
  );
}

function checkSecurityContext(field: string, context: JsonObject): StatusCause[] {
  const groups = Array.isArray(context['supplementalGroups']) ? context['supplementalGroups'] : [];
  return together(
    inEach(['runAsUser', 'runAsGroup', 'fsGroup'], (name) =>
      checkId(`${field}.${name}`, context[name]),
    ),
    inEach(groups, (group, i) => checkId(`${field}.supplementalGroups[${i}]`, group)),
    checkPodSecurity(field, context),
  );
}

function checkNames(field: string, spec: JsonObject): StatusCause[] {
  const gates = objectsOf(spec['schedulingGates']);
  return together(
    checkOptionalName(`${field}.serviceAccountName`, spec['serviceAccountName'], subdomainProblems),
    checkOptionalName(`${field}.nodeName`, spec['nodeName'], subdomainProblems),
    checkOptionalName(`${field}.hostname`, spec['hostname'], labelProblems),
    checkOptionalName(`${field}.subdomain`, spec['subdomain'], labelProblems),
    checkOptionalName(`${field}.priorityClassName`, spec['priorityClassName'], subdomainProblems),
    inEach(gates, (gate, i) =>
      checkOptionalName(`${field}.schedulingGates[${i}].name`, gate['name'], qualifiedNameProblems),
    ),
    checkUnique(
      gates.map((gate) => gate['name']),
      (i) => `${field}.schedulingGates[${i}].name`,
    ),
  );
}

/**
 * A pod's spec, by itself or in a template; `field` is where it is. `claimed`: volumes that the pod will have besides
 * its own, of claims made for it.
 */
export function checkPodSpec(
  field: string,
  spec: JsonObject,
  claimed: readonly string[] = [],
): StatusCause[] {
  const volumes = objectsOf(spec['volumes']);
  const own = volumes.map((volume) => stringOr(volume['name']));
  const names = {
    volumes: new Set([...own, ...claimed]),
    restartPolicy: spec['restartPolicy'],
  };
  return together(
    checkVolumes(`${field}.volumes`, volumes),
    checkContainers(field, spec, names),
    checkPodResources(field, spec),
    checkOneOf(`${field}.restartPolicy`, spec['restartPolicy'], RESTART_POLICIES),
    checkDns(field, spec),
    checkLabels(`${field}.nodeSelector`, spec['nodeSelector']),
    checkSecurityContext(`${field}.securityContext`, objectOr(spec['securityContext'])),
    checkNotNegative(
      `${field}.terminationGracePeriodSeconds`,
      spec['terminationGracePeriodSeconds'],
    ),
    checkDeadline(`${field}.activeDeadlineSeconds`, spec['activeDeadlineSeconds']),
    checkNames(field, spec),
    checkTolerations(`${field}.tolerations`, objectsOf(spec['tolerations'])),
    checkScheduling(field, spec),
    checkHostNetwork(field, spec),
  );
}

/** A Pod as a whole. */
export function checkPod(pod: KubeObject): StatusCause[] {
  const spec = objectOr(pod['spec']);
  return together(checkPodSpec('spec', spec), checkEphemeralContainers(spec));
}

/** What is refused only at a pod's creation. */
export function checkPodCreate(pod: KubeObject): StatusCause[] {
  const spec = objectOr(pod['spec']);
  const causes = checkPod(pod);
  if (objectsOf(spec['ephemeralContainers']).length > 0) {
    causes.push(forbiddenField('spec.ephemeralContainers', 'cannot be set on create'));
  }
  if (objectsOf(spec['schedulingGates']).length > 0 && stringOr(spec['nodeName']) !== '') {
    const detail = 'cannot be set until all schedulingGates have been cleared';
    causes.push(forbiddenField('spec.nodeName', detail));
  }
  return causes;
}
