import t from 'tap';
import { jobs } from '#api/resources/resource-types.ts';
import type { Job } from '#api/resources/types.ts';
import { ttlAfterFinishedController } from '#controller/ttl-after-finished/controller.ts';
import { survivesCrashes, whole } from '../../support/crash.ts';
import { type MemoryApi, memoryApi } from '../../support/memory-collection.ts';

const job = (
  name: string,
  ttl: number | undefined,
  ended: 'Complete' | 'Failed' | undefined,
): Job =>
  ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: 'default' },
    spec: {
      template: { metadata: { name: '' } },
      ...(ttl === undefined ? {} : { ttlSecondsAfterFinished: ttl }),
    },
    status: {
      conditions:
        ended === undefined
          ? []
          : [{ type: ended, status: 'True', lastTransitionTime: new Date().toISOString() }],
    },
  }) as Job;

const at = (name: string) => ({ name, namespace: 'default' });

t.test('a crash at any write deletes ended Jobs in the foreground when it is time', (t) =>
  survivesCrashes(
    t,
    {
      controllers: [ttlAfterFinishedController],
      api: () => {
        const api = memoryApi();
        api.seed(jobs, job('now', 0, 'Complete'), job('failed', 60, 'Failed'));
        api.seed(jobs, job('longer', 60, 'Complete'));
        api.seed(
          jobs,
          job('foreign-runs', 0, undefined),
          job('foreign-stays', undefined, 'Complete'),
        );
        return api;
      },
      steps: [
        () => undefined,
        // Somebody gives one more time just before the end.
        (api: MemoryApi) =>
          api
            .collection(jobs)
            .patch(at('longer'), { spec: { ttlSecondsAfterFinished: 3_600 } }, 'merge'),
        (_, clock) => clock.advance(61_000),
      ],
      picture: (api) => whole(api, jobs),
      foreign: /foreign/,
    },
    {
      writes: 2,
      end: [
        [
          { metadata: { name: 'failed', finalizers: ['foregroundDeletion'] } },
          { metadata: { name: 'foreign-runs' } },
          { metadata: { name: 'foreign-stays' } },
          { metadata: { name: 'longer' }, spec: { ttlSecondsAfterFinished: 3_600 } },
          { metadata: { name: 'now', finalizers: ['foregroundDeletion'] } },
        ],
      ],
    },
  ),
);
