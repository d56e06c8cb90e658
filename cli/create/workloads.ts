/** `bay create deployment`, `job` and `cronjob`. */
import { randomBytes } from 'node:crypto';
import { objectOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { cronJobs, deployments, jobs } from '#api/resources/resource-types.ts';
import { UsageError } from '../arguments.ts';
import { integerOf } from '../documents/flags.ts';
import { pathOfPlace } from '../documents/requests.ts';
import { type Draft, kindOf, listOf } from './kind.ts';

/** Of the image's last part; what no container may be called is made unique. */
function containerNameOf(image: string): string {
  const last = image.split('/').at(-1) ?? image;
  const plain = last.replace(/[:@].*$/, '');
  const name = plain
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return name === plain ? name : `${name}-${randomBytes(3).toString('hex').slice(0, 5)}`;
}

export const deployment = kindOf({
  type: deployments,
  flags: {
    image: { type: 'string', multiple: true },
    replicas: { type: 'string', short: 'r' },
    port: { type: 'string' },
  },
  required: ['image'],
  make({ name, values, command }) {
    const images = listOf(values.image);
    if (images.length > 1 && command.length > 0) {
      throw new UsageError('cannot specify multiple --image options and command');
    }
    const port = values.port === undefined ? undefined : integerOf(values.port, '--port');
    const labels = { app: name };
    const containers = images.map((image, index) => ({
      name: containerNameOf(image),
      image,
      ...(command.length === 0 ? {} : { command }),
      ...(port === undefined || index > 0 ? {} : { ports: [{ containerPort: port }] }),
      resources: {},
    }));
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, labels },
      spec: {
        replicas: integerOf(values.replicas ?? '1', '--replicas'),
        selector: { matchLabels: labels },
        strategy: {},
        template: { metadata: { labels }, spec: { containers } },
      },
    };
  },
});

/** A job's template with one container of the job's name. */
function onePod(name: string, image: string, command: readonly string[], restartPolicy: string) {
  const container = { name, image, ...(command.length === 0 ? {} : { command }), resources: {} };
  return { template: { metadata: {}, spec: { containers: [container], restartPolicy } } };
}

/** What a cron job would start now, and that a person did. */
function jobOf(cronJob: KubeObject, name: string): Draft {
  const { metadata, spec } = objectOr(objectOr(cronJob['spec'])['jobTemplate']);
  const { annotations, labels } = objectOr(metadata);
  const owner = {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    name: cronJob.metadata.name,
    uid: cronJob.metadata.uid,
    controller: true,
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      annotations: { 'cronjob.kubernetes.io/instantiate': 'manual', ...objectOr(annotations) },
      ...(labels === undefined ? {} : { labels }),
      ownerReferences: [owner],
    },
    spec,
  };
}

export const job = kindOf({
  type: jobs,
  flags: { image: { type: 'string' }, from: { type: 'string' } },
  async make({ name, values: { image, from }, command, namespace = 'default', client }) {
    if ((image === undefined) === (from === undefined)) {
      throw new UsageError('either --image or --from must be specified');
    }
    if (from === undefined) {
      const spec = onePod(name, image ?? '', command, 'Never');
      return { apiVersion: 'batch/v1', kind: 'Job', metadata: { name }, spec };
    }
    if (command.length > 0) throw new UsageError('cannot specify --from and command');
    const [kind = '', source = '', more] = from.split('/');
    if (!/^(cj|cronjobs?)(\..*)?$/i.test(kind) || source === '' || more !== undefined) {
      throw new UsageError(`from must be an existing cronjob, not '${from}': --from=cronjob/NAME`);
    }
    const path = pathOfPlace({ type: cronJobs, name: source, namespace });
    return jobOf((await (await client()).request('GET', path)) as KubeObject, name);
  },
});

export const cronJob = kindOf({
  type: cronJobs,
  flags: { image: { type: 'string' }, schedule: { type: 'string' }, restart: { type: 'string' } },
  required: ['image', 'schedule'],
  make({ name, values: { image = '', schedule = '', restart = 'OnFailure' }, command }) {
    const jobTemplate = { metadata: { name }, spec: onePod(name, image, command, restart) };
    return {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name },
      spec: { schedule, jobTemplate },
    };
  },
});
