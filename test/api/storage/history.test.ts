import t from 'tap';
import { CacheEvent } from '#api/storage/cache-event.ts';
import { Entry } from '#api/storage/entry.ts';
import { History } from '#api/storage/history.ts';
import { encodeStored } from '#api/storage/stored-object.ts';

const event = (revision: number, time: number) => {
  const metadata = { name: 'a', annotations: { x: 'y'.repeat(600) } };
  const value = encodeStored({ apiVersion: 'v1', kind: 'ConfigMap', metadata });
  return new CacheEvent('ADDED', Entry.from({ key: '/k/a', value, revision }), undefined, time);
};

t.test('what is old goes when the clock says so, without another event', async (t) => {
  const history = new History(0, { bytesMax: 1e6, oldBytesMax: 2500, ageMsMin: 1000 });
  for (let n = 1; n <= 10; n++) history.push(event(n, n));
  history.prune(1000);
  t.equal(history.after(0).length, 10, 'young enough');
  history.prune(1005);
  t.equal(history.floor, 4, 'those of the first four milliseconds are too old');
  history.prune(10_000);
  t.equal(history.floor, 8, 'as much as may always stay');
  t.same(
    history.after(8).map(({ revision }) => revision),
    [9, 10],
  );
  t.throws(() => history.after(7), { name: 'Compacted' });
});
