import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { configMaps, secrets, serviceAccounts } from '#api/resources/resource-types.ts';
import type { ConfigMap, Pod, Secret, Volume } from '#api/resources/types.ts';
import { claimSource } from '#node-agent/volume/claim.ts';
import { ObjectSource } from '#node-agent/volume/object-source.ts';
import { PodTokens } from '#node-agent/volume/pod-tokens.ts';
import { removeTree } from '#node-agent/volume/removal.ts';
import { Volumes } from '#node-agent/volume/volumes.ts';
import { memoryApi } from '../../support/memory-collection.ts';
import { eventually } from '../agent-rig.ts';

function rig(t: { teardown(run: () => unknown): void }) {
  const dir = mkdtempSync(join(tmpdir(), 'pods-volumes-'));
  const api = memoryApi();
  const mounted = new Set<string>();
  const problems: unknown[] = [];
  const maps = new ObjectSource(api.collection<ConfigMap>(configMaps));
  const hidden = new ObjectSource(api.collection<Secret>(secrets));
  const volumes = new Volumes({
    configMaps: maps,
    secrets: hidden,
    tokens: new PodTokens(api.collection(serviceAccounts)),
    mounts: {
      mountTmpfs: async (target) => void mounted.add(target),
      unmount: async (target) => void mounted.delete(target),
    },
    claims: claimSource(api),
    persistentVolumes: join(dir, 'persistent'),
    dirOf: (uid) => join(dir, uid),
    facts: { hostIP: '192.0.2.1', allocatable: { cpuMillis: 1000, memoryBytes: 1 } },
    onProblem: (_uid, error) => problems.push(error),
  });
  const retried: string[] = [];
  const stop = volumes.follow((uid) => retried.push(uid));
  t.teardown(async () => {
    stop();
    await volumes.release('u');
    maps.close();
    hidden.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return { dir, api, volumes, mounted, retried, problems };
}

const podWith = (...volumes: Volume[]): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'ns', uid: 'u', labels: { app: 'web' }, resourceVersion: '1' },
  spec: { containers: [{ name: 'c', resources: { limits: { memory: '1Ki' } } }], volumes },
});
const configMap = (data: Record<string, string>): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'cm', namespace: 'ns' },
  data,
});

t.test('an emptyDir is a directory everybody may write, or a tmpfs', async (t) => {
  const { volumes, mounted } = rig(t);
  const places = await volumes.prepare(
    podWith({ name: 'disk', emptyDir: {} }, { name: 'memory', emptyDir: { medium: 'Memory' } }),
  );
  t.equal(statSync(places.get('disk') ?? '').mode & 0o7777, 0o777);
  t.strictSame([...mounted], [places.get('memory')]);
  await volumes.release('u');
  t.notOk(existsSync(places.get('disk') ?? ''));
});

t.test('a ConfigMap volume holds the keys and follows the object', async (t) => {
  const { api, volumes, problems } = rig(t);
  api.seed(configMaps, configMap({ a: '1', b: '2' }));
  const places = await volumes.prepare(
    podWith(
      { name: 'all', configMap: { name: 'cm', defaultMode: 0o600 } },
      { name: 'some', configMap: { name: 'cm', items: [{ key: 'b', path: 'x/b', mode: 0o640 }] } },
    ),
  );
  const file = (volume: string, path: string) => join(places.get(volume) ?? '', path);
  t.equal(readFileSync(file('all', 'a'), 'utf8'), '1');
  t.equal(statSync(file('all', 'a')).mode & 0o777, 0o600);
  t.equal(readFileSync(file('some', 'x/b'), 'utf8'), '2');
  t.equal(statSync(file('some', 'x/b')).mode & 0o777, 0o640);
  const collection = api.collection<ConfigMap>(configMaps);
  await collection.patch({ namespace: 'ns', name: 'cm' }, { data: { a: 'new' } }, 'merge');
  await eventually('the new content', () => readFileSync(file('all', 'a'), 'utf8') === 'new');
  t.strictSame(problems, []);
});

t.test('a missing object is an error until it appears; optional ones are not', async (t) => {
  const { api, volumes, retried } = rig(t);
  const needed = podWith({ name: 'v', configMap: { name: 'cm' } });
  await t.rejects(volumes.prepare(needed), { message: /configmap "ns\/cm" not found/ });
  api.seed(configMaps, configMap({ a: '1' }));
  await eventually('the pod to be told', () => retried.includes('u'));
  const places = await volumes.prepare(needed);
  t.equal(readFileSync(join(places.get('v') ?? '', 'a'), 'utf8'), '1');
  const optional = await rig(t).volumes.prepare(
    podWith({ name: 'v', secret: { secretName: 'no', optional: true } }),
  );
  t.ok(existsSync(optional.get('v') ?? ''));
});

t.test('projected and downward API volumes join several sources', async (t) => {
  const { api, volumes } = rig(t);
  api.seed(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's', namespace: 'ns' },
    data: { word: Buffer.from('hush').toString('base64') },
  } as Secret);
  const resourceFieldRef = { containerName: 'c', resource: 'limits.memory' };
  const places = await volumes.prepare(
    podWith({
      name: 'v',
      projected: {
        sources: [
          { secret: { name: 's', items: [{ key: 'word', path: 'secret/word' }] } },
          {
            downwardAPI: {
              items: [
                { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
                { path: 'memory', resourceFieldRef },
              ],
            },
          },
        ],
      },
    }),
  );
  const read = (path: string) => readFileSync(join(places.get('v') ?? '', path), 'utf8');
  t.strictSame(
    [read('secret/word'), read('labels'), read('memory')],
    ['hush', 'app="web"', '1024'],
  );
});

t.test('hostPath is checked against its type', async (t) => {
  const { dir, volumes } = rig(t);
  const path = join(dir, 'there');
  const hostPath = (type: string) => podWith({ name: 'v', hostPath: { path, type } });
  await t.rejects(volumes.prepare(hostPath('Directory')), { message: /is not a directory/ });
  await volumes.prepare(hostPath('DirectoryOrCreate'));
  t.ok(statSync(path).isDirectory());
  await t.rejects(volumes.prepare(hostPath('File')), { message: /is not a file/ });
  await volumes.release('u');
  t.ok(existsSync(path), 'the node’s own files stay');
});

t.test('removal does not follow links out', async (t) => {
  const { dir } = rig(t);
  const outside = join(dir, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'keep'), '');
  mkdirSync(join(dir, 'pod'));
  symlinkSync(outside, join(dir, 'pod', 'link'));
  await removeTree(join(dir, 'pod'));
  await removeTree(join(dir, 'pod'));
  t.ok(existsSync(join(outside, 'keep')));
  t.notOk(existsSync(join(dir, 'pod')));
});
