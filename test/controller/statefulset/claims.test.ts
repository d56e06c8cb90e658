import t from 'tap';
import { ownerReferenceTo } from '#api/resources/meta.ts';
import type { PersistentVolumeClaim, Pod, StatefulSet } from '#api/resources/types.ts';
import { aSet, does, look, podsOf } from './rig.ts';

const template = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } };
const claiming = (whenDeleted: string, whenScaled: string, replicas = 1) =>
  aSet(replicas, {
    volumeClaimTemplates: [template],
    persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled },
  });
const aClaim = (name: string, owner?: StatefulSet | Pod): PersistentVolumeClaim => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: {
    name,
    namespace: 'default',
    ...(owner ? { ownerReferences: [ownerReferenceTo(owner)] } : {}),
  },
});

t.test('claims are made before the pod that mounts them, and found again', async (t) => {
  const set = claiming('Retain', 'Retain');
  const { createClaims, create } = look(set);
  t.match(createClaims, [
    { metadata: { name: 'data-web-0', labels: { app: 'web' } }, spec: template.spec },
  ]);
  t.equal(createClaims[0]?.metadata.ownerReferences, undefined);
  t.match(create[0]?.spec?.volumes, [
    { name: 'data', persistentVolumeClaim: { claimName: 'data-web-0' } },
  ]);
  t.strictSame(look(set, [], [], [aClaim('data-web-0')]).createClaims, []);
});

t.test('the retention policy says who owns the claims', async (t) => {
  const after = (deleted: string, scaled: string, pods: string) => {
    const set = claiming(deleted, scaled);
    const claims = [aClaim('data-web-0'), aClaim('data-web-1')];
    return look(set, podsOf(set, pods), [], claims).updateClaims.map(({ metadata }) => [
      metadata.name,
      metadata.ownerReferences?.map(({ kind, name }) => `${kind}/${name}`).join(),
    ]);
  };
  t.strictSame(after('Retain', 'Retain', '0 1'), []);
  t.strictSame(after('Delete', 'Retain', '0 1'), [
    ['data-web-0', 'StatefulSet/web'],
    ['data-web-1', 'StatefulSet/web'],
  ]);
  t.strictSame(after('Retain', 'Delete', '0 1'), [['data-web-1', 'Pod/web-1']]);
  t.strictSame(after('Delete', 'Delete', '0 1'), [
    ['data-web-0', 'StatefulSet/web'],
    ['data-web-1', 'Pod/web-1'],
  ]);
});

t.test('a policy that changes takes its owners back', async (t) => {
  const set = claiming('Retain', 'Retain');
  const { updateClaims } = look(set, podsOf(set, '0'), [], [aClaim('data-web-0', set)]);
  t.strictSame(
    updateClaims.map(({ metadata }) => metadata.ownerReferences),
    [[]],
  );
});

t.test('no pod takes a claim that goes with the pod before it', async (t) => {
  const set = claiming('Retain', 'Delete');
  const [gone] = podsOf(set, '0') as [Pod];
  t.strictSame(does(look(set, [], [], [aClaim('data-web-0', gone)])).create, []);
  const going = aClaim('data-web-0');
  going.metadata.deletionTimestamp = 'now';
  t.strictSame(does(look(set, [], [], [going])).create, []);
});
