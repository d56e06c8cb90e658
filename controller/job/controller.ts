/** Runs each Job's pods to their end, and lets pods go whose Job is no more. */
import { controllerOf, keyOf } from '#api/resources/meta.ts';
import { jobs, pods } from '#api/resources/resource-types.ts';
import type { Job, Pod } from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import { Leaving } from '#controller/runtime/leaving.ts';
import { controllerUid, namespaceOf } from '#controller/runtime/lookup.ts';
import { type Outcome, reconcileKeys, settled } from '#controller/runtime/reconcile.ts';
import { mappedKeys, selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import { orphanIn } from '#controller/workload/claim.ts';
import { gatherMs, paced } from '#controller/workload/pace.ts';
import { selecting } from '#controller/workload/selecting.ts';
import { Performer } from './perform.ts';
import { plan } from './plan.ts';
import { isTracked, jobNameLabel } from './tracking.ts';

/** `managedBy`: Jobs that say another's name are left to it. */
const ourName = 'kubernetes.io/job-controller';

const isOurs = (job: Job): boolean => (job.spec?.managedBy ?? ourName) === ourName;

/** The key of the Job that the pod is, or once was, of. */
function jobKey(pod: Pod): readonly string[] {
  const owner = controllerOf(pod);
  const { namespace, labels } = pod.metadata;
  if (owner?.kind === 'Job') return [`${namespace}/${owner.name}`];
  const name = labels?.[jobNameLabel];
  return owner === undefined && name !== undefined && isTracked(pod)
    ? [`${namespace}/${name}`]
    : [];
}

class Jobs {
  readonly #performer: Performer;
  readonly #leaving: Leaving<Pod>;
  readonly jobs: Cache<Job>;
  readonly pods: Cache<Pod>;

  constructor(world: World) {
    this.jobs = world.cache<Job>(jobs).addIndex('namespace', namespaceOf);
    this.pods = world.cache<Pod>(pods).addIndex('job', jobKey);
    this.pods.addIndex('controller', controllerUid).addIndex('orphans', orphanIn);
    this.#leaving = new Leaving(this.pods);
    this.#performer = new Performer(world, this.#leaving);
  }

  async reconcile(key: string, nowMs: number, signal: AbortSignal): Promise<Outcome> {
    const job = this.jobs.get(key);
    const outcome =
      job !== undefined && isOurs(job) ? await this.#run(job, nowMs, signal) : settled();
    await this.#performer.untrack(this.#abandoned(key, job), signal);
    return outcome;
  }

  #run(job: Job, nowMs: number, signal: AbortSignal): Promise<Outcome> {
    const { uid = '', namespace = '' } = job.metadata;
    const near = this.#leaving.shown([
      ...this.pods.byIndex('controller', uid),
      ...this.pods.byIndex('orphans', namespace),
    ]);
    return this.#performer.perform(job, plan(job, near, nowMs), signal);
  }

  /** Pods with the finalizer whose Job is gone, or that nobody controls any more: nobody will count them. */
  #abandoned(key: string, job: Job | undefined): Pod[] {
    return this.pods.byIndex('job', key).filter((pod) => {
      if (!isTracked(pod)) return false;
      const owner = controllerOf(pod);
      if (owner !== undefined) return owner.uid !== job?.metadata.uid;
      return job === undefined || !selecting(this.jobs, pod).includes(keyOf(job));
    });
  }
}

export const jobController: Controller = {
  name: 'job',
  run: (world) => {
    const all = new Jobs(world);
    const { clock } = world;
    const keys$ = whenSynced<string>(
      [all.jobs, all.pods],
      selfKeys(all.jobs.changes),
      paced(mappedKeys(all.pods.changes, jobKey), gatherMs(all.jobs, all.pods), clock),
      mappedKeys(all.pods.changes, (pod) => selecting(all.jobs, pod)),
    );
    return reconcileKeys(keys$, (key, signal) => all.reconcile(key, clock.now(), signal), {
      concurrency: 16,
      clock,
    });
  },
};
