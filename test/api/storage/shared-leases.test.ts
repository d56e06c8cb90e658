import t from 'tap';
import { SharedLeases } from '#api/storage/shared-leases.ts';

function leases() {
  const granted: { id: number; ttlSeconds: number }[] = [];
  const clock = { now: 0 };
  const grant = async (id: number, ttlSeconds: number) => {
    granted.push({ id, ttlSeconds });
  };
  return { granted, clock, shared: new SharedLeases(grant, () => clock.now) };
}

t.test('keys written within a minute share a lease that outlives each of them', async (t) => {
  const { granted, clock, shared } = leases();
  const first = await shared.leaseFor(3600);
  clock.now = 59_000;
  t.equal(await shared.leaseFor(3600), first);
  clock.now = 60_000;
  t.not(await shared.leaseFor(3600), first);
  t.same(
    granted.map(({ ttlSeconds }) => ttlSeconds),
    [3660, 3660],
  );
});

t.test('a lease holds a thousand keys, concurrent ones too', async (t) => {
  const { granted, shared } = leases();
  const ids = await Promise.all(Array.from({ length: 1001 }, () => shared.leaseFor(3600)));
  t.equal(granted.length, 2);
  t.equal(new Set(ids).size, 2);
  t.equal(ids.filter((id) => id === ids[0]).length, 1000);
});

t.test(
  'other times to live have other leases; a short one is not stretched by a minute',
  async (t) => {
    const { granted, shared } = leases();
    await shared.leaseFor(3600);
    await shared.leaseFor(10);
    t.same(
      granted.map(({ ttlSeconds }) => ttlSeconds),
      [3660, 11],
    );
  },
);

t.test(
  'a grant that fails is told to those who wait for it, and made anew for the next',
  async (t) => {
    let failing = true;
    const shared = new SharedLeases(async () => {
      if (failing) throw new Error('away');
    });
    await t.rejects(Promise.all([shared.leaseFor(60), shared.leaseFor(60)]), { message: 'away' });
    failing = false;
    await t.resolves(shared.leaseFor(60));
  },
);
