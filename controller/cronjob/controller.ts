/** Makes each CronJob's Jobs when they are due. */
import { cronJobs, jobs } from '#api/resources/resource-types.ts';
import type { CronJob, Job } from '#api/resources/types.ts';
import { Leaving } from '#controller/runtime/leaving.ts';
import { controllerUid } from '#controller/runtime/lookup.ts';
import { reconcileKeys, settled } from '#controller/runtime/reconcile.ts';
import { ownerKeys, selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller } from '#controller/runtime/world.ts';
import { Performer } from './perform.ts';
import { plan } from './plan.ts';

export const cronJobController: Controller = {
  name: 'cronjob',
  run: (world) => {
    const all = world.cache<CronJob>(cronJobs);
    const jobCache = world.cache<Job>(jobs).addIndex('controller', controllerUid);
    const leaving = new Leaving(jobCache);
    const performer = new Performer(world, leaving);
    const { clock } = world;
    const keys$ = whenSynced<string>(
      [all, jobCache],
      selfKeys(all.changes),
      ownerKeys('CronJob', jobCache.changes),
    );
    return reconcileKeys(
      keys$,
      async (key, signal) => {
        const cronJob = all.get(key);
        if (cronJob === undefined) return settled();
        const own = leaving.shown(jobCache.byIndex('controller', cronJob.metadata.uid ?? ''));
        return performer.perform(cronJob, plan(cronJob, own, clock.now()), signal);
      },
      { concurrency: 8, clock },
    );
  },
};
