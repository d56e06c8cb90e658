/** Where a claimed volume stands on its node, and the end of one. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { persistentVolumeClaims, persistentVolumes } from '#api/resources/resource-types.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '#api/resources/types.ts';
import type { Call } from '#node-agent/server/node-api.ts';
import { volumeRoute } from '#node-agent/server/volume-route.ts';
import { claimedPath, claimName, claimSource } from '#node-agent/volume/claim.ts';
import { aClaim, aPod, aVolume } from '../../support/builders.ts';
import { memoryApi } from '../../support/memory-collection.ts';

const dir = mkdtempSync(join(tmpdir(), 'claims-'));
t.teardown(() => rmSync(dir, { recursive: true, force: true }));
const ownDir = join(dir, 'persistent-volumes');

const bound = (name: string, volumeName: string): PersistentVolumeClaim => ({
  ...aClaim(name, { volumeName }),
  status: { phase: 'Bound' },
});
const volumeOf = (claim: string, name: string, source: object): PersistentVolume => {
  const claimRef = { namespace: 'default', name: claim, uid: `uid-${claim}` };
  return aVolume(name, { claimRef, hostPath: undefined, ...source });
};

function rig(claim?: PersistentVolumeClaim, volume?: PersistentVolume) {
  const api = memoryApi();
  if (claim !== undefined) api.seed(persistentVolumeClaims, claim);
  if (volume !== undefined) api.seed(persistentVolumes, volume);
  return (pod: Pod = aPod('p')) => claimedPath(pod, 'c', { claims: claimSource(api), ownDir });
}

t.test(
  'a volume of the node’s own is a directory that everybody may write, made once',
  async (t) => {
    const path = join(ownDir, 'pvc-1');
    const where = rig(bound('c', 'pvc-1'), volumeOf('c', 'pvc-1', { local: { path } }));
    t.equal(await where(), path);
    t.equal(statSync(path).mode & 0o7777, 0o777);
    chmodSync(path, 0o700);
    writeFileSync(join(path, 'kept'), 'x');
    await where();
    t.equal(statSync(path).mode & 0o7777, 0o700, 'what a pod set stays');
    t.ok(existsSync(join(path, 'kept')));
  },
);

const skip = process.getuid?.() === 0 ? false : 'needs root';
t.test('the group that the pod asks for gets the directory', { skip }, async (t) => {
  const path = join(ownDir, 'pvc-2');
  const where = rig(bound('c', 'pvc-2'), volumeOf('c', 'pvc-2', { local: { path } }));
  await where(aPod('p', { securityContext: { fsGroup: 4321 } }));
  const { gid, mode } = statSync(path);
  t.strictSame([gid, mode & 0o7777], [4321, 0o2777]);
});

t.test('a directory of the administrator’s must be there', async (t) => {
  const path = join(dir, 'disk');
  const where = rig(bound('c', 'v'), volumeOf('c', 'v', { local: { path } }));
  await t.rejects(where(), {
    name: 'VolumeError',
    message: `local volume: path "${path}" does not exist`,
  });
  mkdirSync(path);
  t.equal(await where(), path);
});

t.test('a hostPath is made as its type says', async (t) => {
  const path = join(dir, 'made');
  const hostPath = { path, type: 'DirectoryOrCreate' };
  const where = rig(bound('c', 'v'), volumeOf('c', 'v', { hostPath }));
  t.equal(await where(), path);
  t.ok(existsSync(path));
});

const local = { local: { path: '/nowhere' } };
const refused: [string, ReturnType<typeof rig>, RegExp][] = [
  ['no claim', rig(), /^persistentvolumeclaim "c" not found$/],
  ['an open claim', rig(aClaim('c')), /PVC "default\/c" is not bound to a volume yet/],
  ['no volume', rig(bound('c', 'v')), /the volume "v" of PVC "default\/c" is gone/],
  [
    'another’s volume',
    rig(bound('c', 'v'), volumeOf('d', 'v', local)),
    /is bound to another claim/,
  ],
  [
    'a foreign type',
    rig(bound('c', 'v'), volumeOf('c', 'v', { nfs: {} })),
    /of a type this node does not serve/,
  ],
];
for (const [name, where, message] of refused) {
  t.test(`the pod waits: ${name}`, async (t) =>
    t.rejects(where(), { name: 'VolumeError', message }),
  );
}

t.test('a claim is named by the pod or made for it', async (t) => {
  const pod = aPod('p');
  t.equal(claimName(pod, { name: 'v', persistentVolumeClaim: { claimName: 'c' } }), 'c');
  t.equal(claimName(pod, { name: 'v', ephemeral: {} }), 'p-v');
  t.equal(claimName(pod, { name: 'v', emptyDir: {} }), undefined);
});

t.test('a volume is removed by its name, and nothing else is', async (t) => {
  const { answer } = volumeRoute(ownDir);
  const ask = (name: string) => {
    const response = {
      writeHead: () => response,
      end: () => response,
    } as unknown as ServerResponse;
    return answer({ response, parts: [name] } as unknown as Call);
  };
  mkdirSync(join(ownDir, 'pvc-3', 'deep'), { recursive: true });
  writeFileSync(join(ownDir, 'pvc-3', 'deep', 'file'), 'x');
  await ask('pvc-3');
  t.notOk(existsSync(join(ownDir, 'pvc-3')));
  await ask('pvc-3');
  for (const name of ['..', '.', 'a..b', '../disk', 'a/b', '']) {
    await t.rejects(ask(name), /is not the name of a volume/, name);
  }
  t.ok(existsSync(ownDir));
});
