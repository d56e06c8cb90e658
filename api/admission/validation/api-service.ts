/** APIServices (`kube-aggregator/pkg/apis/apiregistration/validation`). */
import { objectOr, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { label1035Problems, subdomainProblems } from '#api/resources/names.ts';
import type { StatusCause } from '#api/resources/status.ts';
import { checkName, checkPort, forbiddenField, invalidValue, required } from './causes.ts';

function checkPriority(field: string, value: unknown, most: number): StatusCause[] {
  if (typeof value === 'number' && value > 0 && value <= most) return [];
  return [invalidValue(field, value ?? 0, `must be positive and less than ${most}`)];
}

function checkVersion(group: string, version: unknown): StatusCause[] {
  if (group !== '') {
    return [
      ...checkName('spec.version', version, label1035Problems),
      ...checkName('spec.group', group, subdomainProblems),
    ];
  }
  if (version === 'v1') return [];
  return [required('spec.group', 'only v1 may have an empty group and it better be legacy kube')];
}

/** A service of ours needs no trust, another one either a CA or none at all. */
function checkService(spec: Record<string, unknown>): StatusCause[] {
  const { caBundle, insecureSkipTLSVerify } = spec;
  const hasBundle = stringOr(caBundle) !== '';
  if (spec['service'] === undefined || spec['service'] === null) {
    return [
      ...(hasBundle
        ? [
            invalidValue(
              'spec.caBundle',
              `${caBundle}`,
              'local APIServices may not have a caBundle',
            ),
          ]
        : []),
      ...(insecureSkipTLSVerify === true
        ? [
            invalidValue(
              'spec.insecureSkipTLSVerify',
              true,
              'local APIServices may not have insecureSkipTLSVerify',
            ),
          ]
        : []),
    ];
  }
  const { name, namespace, port } = objectOr(spec['service']);
  return [
    ...(stringOr(namespace) === '' ? [required('spec.service.namespace')] : []),
    ...(stringOr(name) === '' ? [required('spec.service.name')] : []),
    ...(port === undefined ? [] : checkPort('spec.service.port', port)),
    ...(insecureSkipTLSVerify === true && hasBundle
      ? [forbiddenField('spec.insecureSkipTLSVerify', 'may not be true if caBundle is present')]
      : []),
  ];
}

export function checkApiService(service: KubeObject): StatusCause[] {
  const spec = objectOr(service['spec']);
  const [group, version] = [stringOr(spec['group']), stringOr(spec['version'])];
  const name = `${version}.${group}`;
  const own = service.metadata.name;
  return [
    ...(own === name
      ? []
      : [
          invalidValue(
            'metadata.name',
            own,
            `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(name)}`,
          ),
        ]),
    ...checkVersion(group, spec['version']),
    ...checkPriority('spec.groupPriorityMinimum', spec['groupPriorityMinimum'], 20_000),
    ...checkPriority('spec.versionPriority', spec['versionPriority'], 1000),
    ...checkService(spec),
  ];
}
