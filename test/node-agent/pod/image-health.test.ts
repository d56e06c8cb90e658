/** The health check of an image, and of a document, as Docker counts it. */
import t from 'tap';
import { podStatus } from '#node-agent/pod/status.ts';
import type { PodView } from '#node-agent/pod/view.ts';
import { imageProbe } from '#node-agent/pod/wanted-pod.ts';
import { wishOf } from '#node-agent/pod/wishes.ts';
import { podOf } from '../agent-rig.ts';

t.test('an image’s check becomes a probe, with its shell', async (t) => {
  t.match(imageProbe({ test: ['CMD', 'test', '-e', '/ok'] }, undefined), {
    exec: { command: ['test', '-e', '/ok'] },
    periodSeconds: 30,
    timeoutSeconds: 30,
    failureThreshold: 3,
    startPeriodSeconds: 0,
  });
  const times = { interval: 2e9, timeout: 5e8, startPeriod: 1e10, retries: 1 };
  t.match(imageProbe({ test: ['CMD-SHELL', 'test -e /ok'], ...times }, ['/bin/ash', '-ec']), {
    exec: { command: ['/bin/ash', '-ec', 'test -e /ok'] },
    periodSeconds: 2,
    timeoutSeconds: 1,
    failureThreshold: 1,
    startPeriodSeconds: 10,
  });
  for (const test of [[], ['NONE'], ['CMD'], ['RUN', 'x']]) {
    t.equal(imageProbe({ test }, undefined), undefined, test.join(' '));
  }
  t.equal(imageProbe(undefined, undefined), undefined);
});

t.test('health is told of containers that have a check, and starts as unknown', async (t) => {
  const pod = podOf('web', {
    containers: [{ name: 'main', image: 'busybox', readinessProbe: { exec: { command: ['x'] } } }],
  });
  const state = { phase: 'running', pid: 1, startedAt: '2026-01-01T00:00:00Z' } as const;
  const attempt = { id: 'i', container: 'main', attempt: 0, restartDelayMs: 0, imageId: '', state };
  const told = (health: object | undefined, wish: PodView['wish']) => {
    const view: PodView = {
      uid: 'u',
      pod,
      now: 0,
      acknowledgedAt: 0,
      sandboxReady: true,
      ready: true,
      standing: true,
      released: false,
      containers: new Map([
        [
          'main',
          {
            attempts: [attempt],
            ...(health && { health: { id: 'i', started: true, ready: false, ...health } }),
          },
        ],
      ]),
      ...(wish === undefined ? {} : { wish }),
    };
    const { conditions = [] } = podStatus(view, pod, { hostIPs: [] });
    const found = conditions.find(({ type }) => type === 'bayplan.dev/Health');
    return found && `${found.status} ${found.reason}`;
  };
  const wish = wishOf({ apiVersion: '', kind: '', metadata: { name: 'web' } });
  t.equal(told(undefined, wish), 'Unknown Starting');
  t.equal(told({}, wish), 'Unknown Starting');
  t.equal(told({ ready: true }, wish), 'True Healthy');
  t.equal(told({ failing: true }, wish), 'False Unhealthy');
  t.equal(told({ ready: true }, undefined), undefined, 'of other pods nothing is told');
});
