/** The shop among the examples, applied by kubectl, by bay and by a GitSync: part of examples.test.ts, which has a cluster. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Test } from 'tap';
import type { KubeObject } from '#api/resources/meta.ts';
import { type TestCluster, waitFor, withoutKubectl } from '../support/cluster.ts';

const folder = resolve(import.meta.dirname, '../../docs/examples/shop');
const file = join(folder, 'shop.yaml');
const types =
  'configmaps,secrets,services,statefulsets,deployments,cronjobs,poddisruptionbudgets,persistentvolumeclaims';

const sync = (namespace: string) => `apiVersion: bayplan.dev/v1alpha1
kind: GitSync
metadata: {name: shop, namespace: ${namespace}}
spec: {source: {directory: ${folder}}, targetNamespace: ${namespace}}
`;

/** Given out anew to each object. */
const given = ['clusterIP', 'clusterIPs', 'volumeName'];

/** By it a GitSync knows its own. */
const mark = 'bayplan.dev/gitsync';

/** What the documents say, apart from what is given out. */
function said({ kind, metadata, spec, data }: KubeObject & { data?: unknown }): unknown {
  const { [mark]: _, ...labels } = metadata.labels ?? {};
  const shown = Object.entries((spec ?? {}) as object).filter(([field]) => !given.includes(field));
  return {
    kind,
    name: metadata.name,
    labels,
    spec: Object.fromEntries(shown),
    data,
  };
}

/** Adds three shops to the cluster, and takes them away. */
export async function shopExample(t: Test, cluster: TestCluster): Promise<void> {
  const good = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cluster.bay(...args);
    t.equal(code, 0, `bay ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const hasKubectl = (await withoutKubectl()) === false;
  const spaces = [...(hasKubectl ? ['by-kubectl'] : []), 'by-bay', 'by-git'];
  const path = join(cluster.folder, 'spaces.yaml');
  const named = spaces.map(
    (name) => `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${name}}\n`,
  );
  writeFileSync(path, named.join('---\n'));
  await good('create', '-f', path);
  if (hasKubectl) {
    const { code, stderr } = await cluster.kubectl('apply', '-f', file, '-n', 'by-kubectl');
    t.equal(code, 0, stderr);
  }
  await good('apply', '-f', file, '-n', 'by-bay');
  writeFileSync(join(cluster.folder, 'sync.yaml'), sync('by-git'));
  await good('apply', '-f', join(cluster.folder, 'sync.yaml'));
  const results = await Promise.all(
    spaces.map(async (namespace) => {
      await waitFor(`the web of ${namespace}`, async () =>
        (await cluster.bay('get', 'deploy/web', '-n', namespace)).code === 0 ? true : undefined,
      );
      const all = ['deploy/web', 'deploy/cache', 'sts/db'];
      await good('wait', '--for=healthy', ...all, '-n', namespace, '--timeout=90s');
      const page = await good(
        'exec',
        '-n',
        namespace,
        'deploy/web',
        '--',
        'wget',
        '-qO-',
        'http://shop/cgi-bin/page',
      );
      const { items } = JSON.parse(await good('get', types, '-n', namespace, '-o', 'json')) as {
        items: KubeObject[];
      };
      return {
        page,
        objects: items.filter(({ metadata }) => metadata.name !== 'kube-root-ca.crt').map(said),
      };
    }),
  );
  for (const [index, result] of results.entries()) {
    t.equal(result.page, 'Ahoy: three books behind 9 letters\n', spaces[index] ?? '');
    t.strictSame(result.objects, results[0]?.objects, `${spaces[index]} is as ${spaces[0]}`);
  }
  t.equal(results[0]?.objects.length, 11);
  await good('delete', 'gitsync', 'shop', '-n', 'by-git', '--timeout=60s');
  await good('delete', '-f', path, '--timeout=60s');
}
