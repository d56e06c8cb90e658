/** Resources of a pod as a whole (`validatePodResources`): cpu, memory and huge pages, around those of its containers. */
import { isObject, type JsonObject, objectOr, objectsOf } from '#api/resources/json.ts';
import { compareQuantities, formatQuantity } from '#api/resources/quantity.ts';
import type { StatusCause } from '#api/resources/status.ts';
import { podAmounts } from '../../quota/pod-usage.ts';
import { inEach, invalidValue, notSupported, together } from './causes.ts';
import { checkResources } from './resources.ts';

const supported = ['cpu', 'hugepages-', 'memory'];

function checkNames(field: string, amounts: JsonObject): StatusCause[] {
  return Object.keys(amounts)
    .filter((name) => !['cpu', 'memory'].includes(name) && !name.startsWith('hugepages-'))
    .map((name) => notSupported(`${field}[${name}]`, name, supported));
}

/** What the containers ask for together must be in what the pod asks for. */
function checkTogether(field: string, spec: JsonObject, requests: JsonObject): StatusCause[] {
  const { resources: _, overhead: __, ...containersAlone } = spec;
  const together = podAmounts(containersAlone, 'requests');
  return inEach(Object.entries(requests), ([name, request]) => {
    const sum = together.get(name);
    if (sum === undefined || compareQuantities(String(request), sum) >= 0) return [];
    const detail = `must be greater than or equal to aggregate container requests of ${formatQuantity(sum)}`;
    return [invalidValue(`${field}.requests[${name}]`, String(request), detail)];
  });
}

/** No container may have more than the pod. */
function checkEach(field: string, spec: JsonObject, limits: JsonObject): StatusCause[] {
  return ['containers', 'initContainers'].flatMap((list) =>
    inEach(objectsOf(spec[list]), (container, i) =>
      inEach(
        Object.entries(objectOr(objectOr(container['resources'])['limits'])),
        ([name, own]) => {
          const most = limits[name];
          if (most === undefined || compareQuantities(String(own), String(most)) <= 0) return [];
          const path = `${field}.${list}[${i}].resources.limits[${name}]`;
          return [
            invalidValue(path, String(own), `must be less than or equal to pod limits of ${most}`),
          ];
        },
      ),
    ),
  );
}

/** What is wrong with `spec.resources`; `field` is where the spec is. */
export function checkPodResources(field: string, spec: JsonObject): StatusCause[] {
  const { resources } = spec;
  if (!isObject(resources)) return [];
  const [requests, limits] = [objectOr(resources['requests']), objectOr(resources['limits'])];
  const own = together(
    checkNames(`${field}.resources.requests`, requests),
    checkNames(`${field}.resources.limits`, limits),
    checkResources(`${field}.resources`, resources),
  );
  if (own.length > 0) return own;
  try {
    return together(
      checkTogether(`${field}.resources`, spec, requests),
      checkEach(field, spec, limits),
    );
  } catch {
    // A container's own amounts are no quantities: their own check tells that.
    return [];
  }
}
