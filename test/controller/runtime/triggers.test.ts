import { Subject } from 'rxjs';
import t from 'tap';
import { ownerReferenceTo } from '#api/resources/meta.ts';
import type { Pod } from '#api/resources/types.ts';
import { Cache, type Change } from '#controller/runtime/cache.ts';
import {
  every,
  mappedKeys,
  ownerKeys,
  selfKeys,
  whenSynced,
} from '#controller/runtime/triggers.ts';
import { aPod, aReplicaSet } from '../../support/builders.ts';
import { flush, VirtualClock } from '../../support/virtual-clock.ts';

const ownedBy = (owner: string): Pod => {
  const pod = aPod('p');
  pod.metadata.ownerReferences = [ownerReferenceTo(aReplicaSet(owner, 1))];
  return pod;
};

t.test('a change concerns the object, its owner, and its former owner', async (t) => {
  const changes = new Subject<Change<Pod>>();
  const self: string[] = [];
  const owners: string[] = [];
  selfKeys(changes).subscribe((key) => self.push(key));
  ownerKeys('ReplicaSet', changes).subscribe((key) => owners.push(key));
  ownerKeys('Job', changes).subscribe((key) => owners.push(key));
  changes.next({ key: 'default/p', before: ownedBy('old'), after: ownedBy('new') });
  changes.next({ key: 'default/p', before: ownedBy('new'), after: ownedBy('new') });
  changes.next({ key: 'default/p', before: ownedBy('new') });
  changes.next({ key: 'default/p', after: aPod('p') });
  t.strictSame(self, Array(4).fill('default/p'));
  t.strictSame(owners, ['default/old', 'default/new', 'default/new', 'default/new']);
});

t.test('a mapping is asked about what was and what is, and says each key once', async (t) => {
  const changes = new Subject<Change<Pod>>();
  const keys: string[] = [];
  const nodeOf = ({ spec }: Pod) => [spec?.nodeName ?? 'none', 'all'];
  mappedKeys(changes, nodeOf).subscribe((key) => keys.push(key));
  changes.next({ key: 'p', before: aPod('p'), after: aPod('p', { nodeName: 'a' }) });
  t.strictSame(keys, ['none', 'all', 'a']);
});

t.test('keys are held back, each once, until every cache was listed', async (t) => {
  const [a, b] = [new Cache<Pod>(), new Cache<Pod>()];
  const keys: string[] = [];
  whenSynced([a, b], selfKeys(a.changes)).subscribe((key) => keys.push(key));
  const pod = { ...aPod('p'), metadata: { ...aPod('p').metadata, resourceVersion: '1' } };
  a.apply({ type: 'replaced', objects: [pod], version: '1' });
  const later = { ...pod, metadata: { ...pod.metadata, resourceVersion: '2' } };
  a.apply({ type: 'applied', object: later });
  await flush();
  t.strictSame(keys, []);
  b.apply({ type: 'replaced', objects: [], version: '1' });
  await flush();
  t.strictSame(keys, ['default/p']);
});

t.test('keys come again and again, a little late each time, until nobody wants them', async (t) => {
  const clock = new VirtualClock();
  const at: number[] = [];
  const begin = clock.now();
  const running = every(1_000, () => ['a', 'b'], clock).subscribe(() =>
    at.push(clock.now() - begin),
  );
  await clock.advance(3_400);
  t.equal(at.length, 6);
  t.ok(at.every((ms, i) => ms >= 1_000 * Math.floor(i / 2 + 1)));
  running.unsubscribe();
  t.equal(clock.pending, 0);
});
