/** Rows of roles, certificates, classes, admission, flow control, leases and devices. */
import { humanDuration } from '#api/resources/duration.ts';
import { numberOr, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import {
  type Cells,
  conditionOf,
  countOf,
  NONE,
  specOf,
  statusOf,
  textOr,
  UNSET,
} from './cells.ts';

export function roleBindingCells(binding: KubeObject): Cells {
  const { kind, name } = objectOr(binding['roleRef']);
  const subjects = objectsOf(binding['subjects']);
  const named = (of: string): string =>
    subjects
      .filter((subject) => subject['kind'] === of)
      .map((subject) => stringOr(subject['name']))
      .join(', ');
  const accounts = subjects
    .filter((subject) => subject['kind'] === 'ServiceAccount')
    .map((subject) => [subject['namespace'], subject['name']].filter(Boolean).join('/'));
  return {
    Role: `${stringOr(kind)}/${stringOr(name)}`,
    Users: named('User'),
    Groups: named('Group'),
    ServiceAccounts: accounts.join(', '),
  };
}

function requestCondition(request: KubeObject): string {
  const types = objectsOf(statusOf(request)['conditions']).map((one) => one['type']);
  const verdict = types.includes('Denied')
    ? 'Denied'
    : types.includes('Approved')
      ? 'Approved'
      : 'Pending';
  const failed = types.includes('Failed') ? ',Failed' : '';
  const issued = stringOr(statusOf(request)['certificate']) === '' ? '' : ',Issued';
  return `${verdict}${failed}${issued}`;
}

export function signingRequestCells(request: KubeObject): Cells {
  const { signerName, username, expirationSeconds } = specOf(request);
  return {
    SignerName: textOr(signerName, NONE),
    Requestor: stringOr(username),
    RequestedDuration:
      typeof expirationSeconds === 'number' ? humanDuration(expirationSeconds * 1000) : NONE,
    Condition: requestCondition(request),
  };
}

export const leaseCells = (lease: KubeObject): Cells => ({
  Holder: stringOr(specOf(lease)['holderIdentity']),
});

export const priorityClassCells = (priorityClass: KubeObject): Cells => ({
  Value: numberOr(priorityClass['value']),
  'Global-Default': priorityClass['globalDefault'] === true,
  PreemptionPolicy: textOr(priorityClass['preemptionPolicy'], UNSET),
});

export const runtimeClassCells = (runtimeClass: KubeObject): Cells => ({
  Handler: stringOr(runtimeClass['handler']),
});

export const webhookCells = (configuration: KubeObject): Cells => ({
  Webhooks: countOf(configuration['webhooks']),
});

export function admissionPolicyCells(policy: KubeObject): Cells {
  const { validations, mutations, paramKind } = specOf(policy);
  const { apiVersion, kind } = objectOr(paramKind);
  return {
    Validations: countOf(validations),
    Mutations: countOf(mutations),
    ParamKind: paramKind === undefined ? UNSET : `${stringOr(apiVersion)}/${stringOr(kind)}`,
  };
}

export function policyBindingCells(binding: KubeObject): Cells {
  const { policyName, paramRef } = specOf(binding);
  const { namespace, name, selector } = objectOr(paramRef);
  const path = textOr(namespace, '') === '' ? stringOr(name) : `${namespace}/${stringOr(name)}`;
  const param = selector === undefined ? path : `${textOr(namespace, '*')}/${NONE}`;
  return { PolicyName: stringOr(policyName), ParamRef: paramRef === undefined ? UNSET : param };
}

export function apiServiceCells(service: KubeObject): Cells {
  const { namespace, name } = objectOr(specOf(service)['service']);
  const available = conditionOf(service, 'Available');
  const status = textOr(available?.['status'], 'Unknown');
  return {
    Service: name === undefined ? 'Local' : `${stringOr(namespace)}/${stringOr(name)}`,
    Available:
      status === 'True' || available === undefined
        ? status
        : `${status} (${stringOr(available['reason'])})`,
  };
}

export function flowSchemaCells(schema: KubeObject): Cells {
  const spec = specOf(schema);
  const dangling = conditionOf(schema, 'Dangling')?.['status'];
  const missing: Record<string, string> = { True: 'True', False: 'False' };
  return {
    PriorityLevel: textOr(objectOr(spec['priorityLevelConfiguration'])['name'], NONE),
    MatchingPrecedence: numberOr(spec['matchingPrecedence']),
    DistinguisherMethod: textOr(objectOr(spec['distinguisherMethod'])['type'], NONE),
    MissingPL: missing[String(dangling)] ?? '?',
  };
}

export function priorityLevelCells(level: KubeObject): Cells {
  const { type, limited, exempt } = specOf(level);
  const { nominalConcurrencyShares, limitResponse } = objectOr(limited ?? exempt);
  const { queues, handSize, queueLengthLimit } = objectOr(objectOr(limitResponse)['queuing']);
  return {
    Type: stringOr(type),
    NominalConcurrencyShares: textOr(nominalConcurrencyShares, NONE),
    Queues: textOr(queues, NONE),
    HandSize: textOr(handSize, NONE),
    QueueLengthLimit: textOr(queueLengthLimit, NONE),
  };
}

export function resourceClaimCells(claim: KubeObject): Cells {
  const { allocation, reservedFor } = statusOf(claim);
  const states = [
    ...(claim.metadata.deletionTimestamp === undefined ? [] : ['deleted']),
    ...(allocation === undefined ? ['pending'] : ['allocated']),
    ...(countOf(reservedFor) === 0 ? [] : ['reserved']),
  ];
  return { State: states.join(',') };
}

export function resourceSliceCells(slice: KubeObject): Cells {
  const { nodeName, allNodes, nodeSelector, perDeviceNodeSelection, driver, pool } = specOf(slice);
  const node = textOr(nodeName, '');
  const several = nodeSelector === undefined ? '' : '<node selector>';
  const each = perDeviceNodeSelection === true ? '<per device>' : several;
  return {
    Node: node === '' ? (allNodes === true ? '<all>' : each) : node,
    Driver: stringOr(driver),
    Pool: stringOr(objectOr(pool)['name']),
  };
}
