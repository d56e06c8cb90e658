/** Probes, on a real node. */
import type { Pod } from '#api/resources/types.ts';
import { grpcHealth, volumes } from './agnhost.ts';
import { image, shell, startRealRig, type Tap } from './real-rig.ts';

const { rig, test } = await startRealRig();
const often = { periodSeconds: 1, failureThreshold: 1, timeoutSeconds: 1 };
const restarts = ({ status }: Pod): number => status?.containerStatuses?.[0]?.restartCount ?? 0;
const http = { httpGet: { path: '/healthz', port: 8080 } };
const exec = { exec: { command: ['cat', '/tmp/health'] } };
const started = { periodSeconds: 1, failureThreshold: 100, timeoutSeconds: 20 };
/** A server on 8080 that is healthy until the file goes. */
const served = 'mkdir /www; touch /www/healthz; httpd -p 8080 -h /www; touch /tmp/health';

/** Restarted within a few seconds, or not at all for as long. */
async function probed(t: Tap, script: string, probe: object, count: number): Promise<void> {
  const pod = await rig.make(
    {
      ...shell(script),
      startupProbe: { ...exec, ...started },
      livenessProbe: { ...often, ...probe },
    },
    { restartPolicy: 'Always' },
  );
  if (count > 0) {
    const found = await rig.pod(pod, `begun again`, (one) => restarts(one) >= count);
    t.ok(restarts(found) >= count);
    return;
  }
  await rig.ready(pod);
  /** The container itself counts: three probes at least have been by then. */
  await rig.written(pod, /lasted/);
  const found = await rig.pod(pod, 'there', () => true);
  t.equal(restarts(found), 0);
}
/** The file is there once it serves; a slow answer of a busy machine is no failure. */
const patient = (probe: object): object => ({ ...often, ...probe, timeoutSeconds: 20 });
const lasting = `${served}; sleep 4; echo lasted; sleep 1000`;
test('Probing container should be restarted with a exec "cat /tmp/health" liveness probe', (t) =>
  probed(t, 'touch /tmp/health; sleep 2; rm /tmp/health; sleep 1000', exec, 1));
test('Probing container should *not* be restarted with a exec "cat /tmp/health" liveness probe', (t) =>
  probed(t, lasting, patient(exec), 0));
test('Probing container should be restarted with a /healthz http liveness probe', (t) =>
  probed(t, `${served}; sleep 2; rm /www/healthz; sleep 1000`, http, 1));
test('Probing container should *not* be restarted with a /healthz http liveness probe', (t) =>
  probed(t, lasting, patient(http), 0));
test('Probing container should *not* be restarted with a tcp:8080 liveness probe', (t) =>
  probed(t, lasting, patient({ tcpSocket: { port: 8080 } }), 0));
test('Probing container should *not* be restarted with a GRPC liveness probe', async (t) => {
  const main = {
    ...grpcHealth(5000),
    livenessProbe: { ...often, timeoutSeconds: 20, grpc: { port: 5000 } },
  };
  const startupProbe = { ...started, grpc: { port: 5000 } };
  const also = { name: 'also', image, ...shell('sleep 8; echo lasted; sleep 1000') };
  const pod = await rig.make(
    {},
    {
      restartPolicy: 'Always',
      volumes,
      containers: [{ name: 'main', image, ...main, startupProbe }, also],
    },
  );
  const { status } = await rig.ready(pod);
  t.ok(status?.containerStatuses?.every((one) => one.started));
  await rig.written(pod, /lasted/, 'also');
  t.equal(restarts(await rig.pod(pod, 'there', () => true)), 0);
});
test('Probing container should be restarted with a GRPC liveness probe', (t) =>
  probed(t, `${served}; sleep 1000`, { grpc: { port: 1234 } }, 1));
test('Probing container should have monotonically increasing restart count', async (t) => {
  const pod = await rig.make(
    { ...shell('sleep 1000'), livenessProbe: { ...often, ...exec } },
    { restartPolicy: 'Always' },
  );
  const seen: number[] = [];
  await rig.pod(pod, 'begun again twice', (one) => {
    seen.push(restarts(one));
    return restarts(one) >= 2;
  });
  t.strictSame(seen, [...seen].sort(), 'never less');
});

test('Probing container with readiness probe should not be ready before initial delay and never restart', async (t) => {
  const pod = await rig.make({
    ...shell(`${served}; sleep 1000`),
    readinessProbe: { ...http, ...often, initialDelaySeconds: 3 },
  });
  const { status } = await rig.ready(pod);
  const began = Date.parse(String(status?.containerStatuses?.[0]?.state?.running?.startedAt));
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime;
  t.ok(Date.parse(String(ready)) - began >= 2_000, `${ready} is after the delay`);
  t.equal(status?.containerStatuses?.[0]?.restartCount, 0);
});
test('Probing container with readiness probe that fails should never be ready and never restart', async (t) => {
  const pod = await rig.make({
    ...shell('sleep 4; echo lasted; sleep 1000'),
    readinessProbe: { exec: { command: ['false'] }, ...often },
  });
  await rig.written(pod, /lasted/);
  const { status } = await rig.pod(pod, 'there', () => true);
  t.match(status?.containerStatuses, [{ ready: false, started: true, restartCount: 0 }]);
  t.match(
    status?.conditions?.find(({ type }) => type === 'Ready'),
    { status: 'False', reason: 'ContainersNotReady' },
  );
});
