/** Does what the plan says; the only writer of a CronJob's Jobs and status. */
import type { Collection } from '#api/client/collection.ts';
import { controllerOf } from '#api/resources/meta.ts';
import { cronJobs, jobs } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { CronJob, Job } from '#api/resources/types.ts';
import { timestamp } from '#controller/runtime/clock.ts';
import type { Happening } from '#controller/runtime/events.ts';
import type { Leaving } from '#controller/runtime/leaving.ts';
import { type Outcome, requeueAfter, settled } from '#controller/runtime/reconcile.ts';
import type { World } from '#controller/runtime/world.ts';
import { inTerminatingNamespace, refOf, writeStatus } from '#controller/runtime/write.ts';
import { referenceTo, type Status } from './children.ts';
import type { Plan } from './plan.ts';

export class Performer {
  readonly #world: World;
  readonly #jobs: Collection<Job>;
  readonly #leaving: Leaving<Job>;

  constructor(world: World, leaving: Leaving<Job>) {
    this.#world = world;
    this.#jobs = world.collection<Job>(jobs);
    this.#leaving = leaving;
  }

  async perform(cronJob: CronJob, plan: Plan, signal: AbortSignal): Promise<Outcome> {
    const actions: string[] = [];
    for (const happening of plan.tell) this.#tell(cronJob, happening);
    let { status } = plan;
    for (const job of plan.replace) {
      await this.#delete(cronJob, job, signal);
      const active = (status.active ?? []).filter(({ uid }) => uid !== job.metadata.uid);
      status = { ...status, active };
    }
    if (plan.create !== undefined) {
      const { job, scheduledMs } = plan.create;
      const made = await this.#create(cronJob, job, signal);
      if (made !== undefined) {
        actions.push(`create ${job.metadata.name}`);
        const active = [...(status.active ?? []), referenceTo(made)];
        status = { ...status, active, lastScheduleTime: timestamp(scheduledMs) };
      }
    }
    if (await this.#status(cronJob, status, signal)) actions.push('status');
    for (const job of plan.forget) await this.#delete(cronJob, job, signal);
    const deleted = plan.replace.length + plan.forget.length;
    if (deleted > 0) actions.push(`delete ${deleted} jobs`);
    return plan.againMs === undefined
      ? settled(...actions)
      : requeueAfter(plan.againMs, ...actions);
  }

  /** The Job, or undefined if there can be none: its name is another's, or the namespace goes. */
  async #create(cronJob: CronJob, job: Job, signal: AbortSignal): Promise<Job | undefined> {
    const { name } = job.metadata;
    try {
      const made = await this.#jobs.create(job, signal);
      this.#world.cache<Job>(jobs).put(made);
      this.#tell(cronJob, {
        type: 'Normal',
        reason: 'SuccessfulCreate',
        message: `Created job ${name}`,
      });
      return made;
    } catch (error) {
      if (inTerminatingNamespace(error)) return undefined;
      if (hasReason(error, 'AlreadyExists')) return this.#found(cronJob, job, signal);
      const message = `Error creating job: ${error instanceof Error ? error.message : error}`;
      if (!signal.aborted)
        this.#tell(cronJob, { type: 'Warning', reason: 'FailedCreate', message });
      throw error;
    }
  }

  /** Ours, whose answer was lost; or somebody else's, who has the name. */
  async #found(cronJob: CronJob, { metadata }: Job, signal: AbortSignal): Promise<Job | undefined> {
    const held = await this.#jobs.get(metadata, signal);
    if (controllerOf(held)?.uid === cronJob.metadata.uid) return held;
    const message = `Error creating job: jobs.batch "${metadata.name}" already exists and is not controlled by this CronJob`;
    this.#tell(cronJob, { type: 'Warning', reason: 'FailedCreate', message });
    return undefined;
  }

  async #delete(cronJob: CronJob, job: Job, signal: AbortSignal): Promise<void> {
    const { uid, name } = job.metadata;
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    try {
      const options = { propagationPolicy: 'Background', ...preconditions } as const;
      await this.#jobs.delete(refOf(job), options, signal);
    } catch (error) {
      if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error;
    }
    this.#leaving.add(job);
    const message = `Deleted job ${name}`;
    this.#tell(cronJob, { type: 'Normal', reason: 'SuccessfulDelete', message });
  }

  #tell(cronJob: CronJob, happening: Happening): void {
    this.#world.events.record(cronJob, happening);
  }

  #status(cronJob: CronJob, { active = [], ...rest }: Status, signal: AbortSignal) {
    const status = active.length === 0 ? rest : { ...rest, active };
    const cache = this.#world.cache<CronJob>(cronJobs);
    return writeStatus(this.#world.collection<CronJob>(cronJobs), cache, cronJob, status, signal);
  }
}
