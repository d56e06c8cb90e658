/** Tells who serves each Service: as EndpointSlices, as Endpoints, and hand-made Endpoints as slices too. */
import { mergeMap } from 'rxjs/internal/operators/mergeMap';
import { keyOf } from '#api/resources/meta.ts';
import { endpointSlices, endpoints, nodes, pods, services } from '#api/resources/resource-types.ts';
import type { EndpointSlice, Endpoints, Node, Pod, Service } from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import { type Outcome, reconcileKeys, settled } from '#controller/runtime/reconcile.ts';
import { mappedKeys, selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import { isMirrored, mirrorController, mirrorPlan } from './mirror.ts';
import { Performer } from './perform.ts';
import { selectsPods } from './pod-endpoint.ts';
import { Selecting } from './selecting.ts';
import { managedByLabel, plan, serviceNameLabel, sliceController } from './service-slices.ts';
import { endpointsController, endpointsManagedBy, wantedEndpoints } from './subsets.ts';

const zoneLabel = 'topology.kubernetes.io/zone';
const concurrency = 16;

/** The key of the Service whose slice it is, if `manager` keeps it. */
const serviceOf =
  (manager: string) =>
  ({ metadata }: EndpointSlice): string[] => {
    const name = metadata.labels?.[serviceNameLabel];
    if (name === undefined || metadata.labels?.[managedByLabel] !== manager) return [];
    return [`${metadata.namespace}/${name}`];
  };

/** The slices that `manager` keeps, found by their Service. */
function slicesOf(world: World, manager: string): Cache<EndpointSlice> {
  return world.cache<EndpointSlice>(endpointSlices).addIndex(manager, serviceOf(manager));
}

const isLeaving = (service: Service): boolean => service.metadata.deletionTimestamp !== undefined;

export const endpointSliceController: Controller = {
  name: 'endpointslice',
  run: (world) => {
    const serviceCache = world.cache<Service>(services);
    const podCache = world.cache<Pod>(pods);
    const nodeCache = world.cache<Node>(nodes);
    const slices = slicesOf(world, sliceController);
    const selecting = new Selecting(serviceCache, podCache);
    const performer = new Performer(world);
    const zoneOf = (node: string) => nodeCache.get(node)?.metadata.labels?.[zoneLabel];
    const reconcile = async (key: string, signal: AbortSignal): Promise<Outcome> => {
      const service = serviceCache.get(key);
      const held = slices.byIndex(sliceController, key);
      if (service === undefined) {
        const gone = { create: [], update: [], remove: held };
        return settled(...(await performer.slices(gone, signal)));
      }
      if (isLeaving(service) || !selectsPods(service)) return settled();
      const view = { service, pods: selecting.podsOf(service), slices: held, zoneOf };
      return settled(...(await performer.slices(plan(view), signal)));
    };
    const zoneChanges = nodeCache.changes.pipe(
      mergeMap(({ before, after }) => {
        const [was, is] = [before, after].map((node) => node?.metadata.labels?.[zoneLabel]);
        return was === is ? [] : [...serviceCache.keys()];
      }),
    );
    const keys$ = whenSynced(
      [serviceCache, podCache, nodeCache, slices],
      selfKeys(serviceCache.changes),
      podCache.changes.pipe(mergeMap((change) => selecting.changed(change))),
      mappedKeys(slices.changes, serviceOf(sliceController)),
      zoneChanges,
    );
    return reconcileKeys(keys$, reconcile, { clock: world.clock, concurrency });
  },
};

export const endpointsObjectController: Controller = {
  name: 'endpoints',
  run: (world) => {
    const serviceCache = world.cache<Service>(services);
    const podCache = world.cache<Pod>(pods);
    const held = world.cache<Endpoints>(endpoints);
    const selecting = new Selecting(serviceCache, podCache);
    const performer = new Performer(world);
    /** Services that went while we looked: what was made by hand for them goes too. */
    const gone = new Set<string>();
    serviceCache.changes.subscribe(({ key, after }) => {
      if (after === undefined) gone.add(key);
      else gone.delete(key);
    });
    const reconcile = async (key: string, signal: AbortSignal): Promise<Outcome> => {
      const service = serviceCache.get(key);
      const object = held.get(key);
      if (service === undefined) {
        const ours = object?.metadata.labels?.[endpointsManagedBy] === endpointsController;
        const actions =
          object !== undefined && (ours || gone.has(key))
            ? await performer.removeEndpoints(object, signal)
            : [];
        gone.delete(key);
        return settled(...actions);
      }
      if (isLeaving(service) || !selectsPods(service)) return settled();
      const wanted = wantedEndpoints(service, selecting.podsOf(service), object);
      return settled(...(await performer.endpoints(wanted, object, signal)));
    };
    const keys$ = whenSynced(
      [serviceCache, podCache, held],
      selfKeys(serviceCache.changes),
      podCache.changes.pipe(mergeMap((change) => selecting.changed(change))),
      selfKeys(held.changes),
    );
    return reconcileKeys(keys$, reconcile, { clock: world.clock, concurrency });
  },
};

export const endpointSliceMirroringController: Controller = {
  name: 'endpointslice-mirroring',
  run: (world) => {
    const serviceCache = world.cache<Service>(services);
    const made = world.cache<Endpoints>(endpoints);
    const slices = slicesOf(world, mirrorController);
    const performer = new Performer(world);
    const reconcile = async (key: string, signal: AbortSignal): Promise<Outcome> => {
      const object = made.get(key);
      const mirrors = slices.byIndex(mirrorController, key);
      const wanted = isMirrored(object, serviceCache.get(key))
        ? mirrorPlan(object, mirrors)
        : { create: [], update: [], remove: mirrors };
      return settled(...(await performer.slices(wanted, signal)));
    };
    const keys$ = whenSynced(
      [serviceCache, made, slices],
      selfKeys(made.changes),
      mappedKeys(serviceCache.changes, (service) => [keyOf(service)]),
      mappedKeys(slices.changes, serviceOf(mirrorController)),
    );
    return reconcileKeys(keys$, reconcile, { clock: world.clock, concurrency });
  },
};
