/** Session affinity as clients meet it: part of traffic.test.ts, which has the network. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';
import { serviceAddress } from '../../../support/pod-network.ts';
import { service, slice } from '../../../support/service-documents.ts';
import { ask, askUntil, type ServiceWorld } from '../../../support/service-world.ts';

interface Pod {
  readonly ip: string;
  readonly netnsPath: string;
}

const tcp = [{ port: 8000, targetPort: 80 }];

/** `one` and `two` answer with their names. */
export function testAffinity(
  t: Test,
  world: ServiceWorld,
  { one, two, client }: Readonly<Record<'one' | 'two' | 'client', Pod>>,
): void {
  const from = client.netnsPath;
  t.test('session affinity: a client comes to one endpoint, as long as it is there', async (t) => {
    const to = `${serviceAddress(6)}:8000`;
    const places = [{ ip: one.ip }, { ip: two.ip }];
    const spec = { clusterIP: serviceAddress(6), ports: tcp };
    world.apply(
      service('sticky', { ...spec, sessionAffinity: 'ClientIP' }),
      slice('sticky', places, tcp),
    );
    const first = await askUntil(to, /^(one|two) /, from);
    t.strictSame(
      [...new Set(await Promise.all(Array.from({ length: 12 }, () => ask(to, from))))],
      [first],
    );
    const other = first.startsWith('one') ? two : one;
    world.apply(slice('sticky', [{ ip: other.ip }], tcp));
    await askUntil(to, other === one ? /^one / : /^two /, from);
    world.apply(
      service('sticky', { ...spec, sessionAffinity: 'None' }),
      slice('sticky', places, tcp),
    );
    await askUntil(to, first.startsWith('one') ? /^one / : /^two /, from);
  });

  t.test('a client stays when endpoints come, until its time is over', async (t) => {
    const clients = await Promise.all(
      Array.from({ length: 8 }, (_, i) => world.network.attach(`client-${i}`)),
    );
    const all = (last: number) =>
      Promise.all(clients.map(({ netnsPath }) => ask(`${serviceAddress(last)}:8000`, netnsPath)));
    const staying = (name: string, last: number, timeoutSeconds: number) =>
      service(name, {
        clusterIP: serviceAddress(last),
        ports: tcp,
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds } },
      });
    const lead = async (last: number, ...places: { ip: string }[]) => {
      world.apply(slice('long', places, tcp), slice('short', places, tcp));
      // One more in the same transaction, or a later one: when it is there the others are.
      const mark = service(`mark-${last}`, { clusterIP: serviceAddress(last), ports: tcp });
      world.apply(mark, slice(`mark-${last}`, [{ ip: one.ip }], tcp));
      await askUntil(`${serviceAddress(last)}:8000`, /^one /, from);
    };
    world.apply(staying('long', 20, 3_600), staying('short', 21, 1));
    await lead(22, { ip: one.ip });
    for (const answer of [...(await all(20)), ...(await all(21))]) t.match(answer, /^one /);
    await lead(23, { ip: one.ip }, { ip: two.ip });
    for (const answer of await all(20)) t.match(answer, /^one /, 'stays');
    const deadline = Date.now() + 60_000;
    for (;;) {
      await delay(1_500); // Asking sooner begins the second anew.
      if ((await all(21)).some((answer) => answer.startsWith('two '))) break;
      if (Date.now() > deadline) throw new Error('a second is over, and all clients still stay');
    }
    await world.restart();
    for (const answer of await all(20)) t.match(answer, /^one /, 'over the life of an agent');
  });
}
