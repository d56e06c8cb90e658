/** Requests and limits (`ValidateContainerResourceRequirements`). */
import { type JsonObject, objectOr } from '#api/resources/json.ts';
import { qualifiedNameProblems } from '#api/resources/names.ts';
import { compareQuantities, InvalidQuantity, parseQuantity } from '#api/resources/quantity.ts';
import type { StatusCause } from '#api/resources/status.ts';
import { checkOneOf, duplicate, inEach, invalidBecause, invalidValue, together } from './causes.ts';

const STANDARD = ['cpu', 'memory', 'ephemeral-storage'];
/** Resources of which more may be promised than there is: the limit may be above the request. */
const OVERCOMMITTED = STANDARD;

/** A quantity that may not be negative. */
export function checkAmount(field: string, value: unknown): StatusCause[] {
  try {
    if (parseQuantity(String(value)).nano >= 0n) return [];
    return [invalidValue(field, value, 'must be greater than or equal to 0')];
  } catch (error) {
    if (error instanceof InvalidQuantity) return [invalidValue(field, value, error.message)];
    throw error;
  }
}

function checkResourceName(field: string, name: string): StatusCause[] {
  const problems = invalidBecause(field, name, qualifiedNameProblems(name));
  if (problems.length > 0 || name.includes('/')) return problems;
  if (STANDARD.includes(name) || name.startsWith('hugepages-')) return [];
  return [invalidValue(field, name, 'must be a standard resource for containers')];
}

function checkAmounts(field: string, amounts: JsonObject): StatusCause[] {
  return inEach(Object.entries(amounts), ([name, value]) => {
    const path = `${field}[${name}]`;
    const causes = together(checkResourceName(path, name), checkAmount(path, value));
    const whole = name.includes('/') && causes.length === 0;
    const fraction = whole && parseQuantity(String(value)).nano % 1_000_000_000n !== 0n;
    return fraction ? [invalidValue(path, value, 'must be an integer')] : causes;
  });
}

function checkWithin(field: string, requests: JsonObject, limits: JsonObject): StatusCause[] {
  return inEach(Object.entries(requests), ([name, request]) => {
    const limit = limits[name];
    if (limit === undefined) return [];
    const order = compareQuantities(String(request), String(limit));
    const shared = OVERCOMMITTED.includes(name);
    if (order > 0 && shared) {
      const detail = `must be less than or equal to ${name} limit of ${limit}`;
      return [invalidValue(`${field}.requests`, String(request), detail)];
    }
    if (order === 0 || shared) return [];
    const detail = `must be equal to ${name} limit of ${limit}`;
    return [invalidValue(`${field}.requests`, String(request), detail)];
  });
}

/** What is wrong with `resources` of a container. */
export function checkResources(field: string, resources: unknown): StatusCause[] {
  const limits = objectOr(objectOr(resources)['limits']);
  const requests = objectOr(objectOr(resources)['requests']);
  const causes = together(
    checkAmounts(`${field}.limits`, limits),
    checkAmounts(`${field}.requests`, requests),
  );
  return causes.length > 0 ? causes : checkWithin(field, requests, limits);
}

const RESIZED = ['cpu', 'memory'];
const ON_RESIZE = ['NotRequired', 'RestartContainer'];

/** What is wrong with `resizePolicy` of a container (`validateResizePolicy`); `policy`: the pod's restart policy. */
export function checkResizePolicy(
  field: string,
  entries: readonly JsonObject[],
  policy: unknown,
): StatusCause[] {
  const seen = new Set<unknown>();
  return inEach(entries, ({ resourceName, restartPolicy }) => {
    const twice = seen.has(resourceName) ? [duplicate(field, String(resourceName))] : [];
    seen.add(resourceName);
    const never = policy === 'Never' && restartPolicy === 'RestartContainer';
    const detail = "must be 'NotRequired' when `restartPolicy` is 'Never'";
    return together(
      twice,
      checkOneOf(field, resourceName, RESIZED),
      checkOneOf(field, restartPolicy, ON_RESIZE),
      never ? [invalidValue(field, restartPolicy, detail)] : [],
    );
  });
}
