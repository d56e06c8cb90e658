/** Two clusters of one machine, whose Services have the same addresses. Needs root. */
import { join } from 'node:path';
import t from 'tap';
import { directory, serviceAddress, suffix } from '../../../support/pod-network.ts';
import { service, slice } from '../../../support/service-documents.ts';
import { ask, askUntil, ServiceWorld } from '../../../support/service-world.ts';

const first = new ServiceWorld();
const second = new ServiceWorld({
  runDir: join(directory, 'second'),
  podCidr: `10.200.${process.pid % 250}.0/28`,
  bridge: `bpu${suffix}`,
  clusterName: `second${suffix}`,
});
const worlds = [first, second];
for (const world of worlds) t.teardown(() => world.close());

const address = serviceAddress(10);
const ports = [{ port: 8000, targetPort: 80 }];
const ported = [{ port: 80, nodePort: 31_983 }];

t.test('the pods of each reach their own', async (t) => {
  const clients: string[] = [];
  for (const [i, world] of worlds.entries()) {
    await world.start();
    const { ip } = await world.server(`server-${i}`);
    clients.push((await world.network.attach(`client-${i}`)).netnsPath);
    world.apply(service('same', { clusterIP: address, ports }), slice('same', [{ ip }], ports));
  }
  for (const [i, client] of clients.entries()) {
    await askUntil(`${address}:8000`, new RegExp(`^server-${i} `), client);
    for (const answer of await Promise.all(
      Array.from({ length: 8 }, () => ask(`${address}:8000`, client)),
    ))
      t.match(answer, new RegExp(`^server-${i} `));
  }
  const { ip } = await first.server('ported');
  first.apply(
    service('ported', { type: 'NodePort', clusterIP: serviceAddress(11), ports: ported }),
    slice('ported', [{ ip }], ported),
  );
  const at = `${first.network.gateway}:31983`;
  t.match(await askUntil(at, /^ported /, clients[1]), /^ported /, 'ports of the node are for all');
  t.match(
    await ask(`${serviceAddress(11)}:80`, clients[1], 1_000),
    /^error/,
    'a Service that only the other cluster has',
  );
});
