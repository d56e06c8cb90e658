/** The whole agent on this machine: real containers, network, cgroups and mounts; only the API is in memory. */
import { rmSync } from 'node:fs';
import t from 'tap';
import { pods } from '#api/resources/resource-types.ts';
import type { Pod } from '#api/resources/types.ts';
import { eventually, podOf } from '../agent-rig.ts';
import { machineRig, needsRoot } from '../machine-rig.ts';

t.test(
  'real pods outlive the agent, and a drain leaves the machine as it was',
  { skip: needsRoot },
  async (t) => {
    const rig = await machineRig({ podCidr: '10.199.31.0/28' });
    let agent = await rig.start();
    const image = 'bayplan.local/busybox';
    const command = ['sh', '-c', 'echo up $WHO; trap "exit 0" TERM; while :; do sleep 0.1; done'];
    await rig.api.collection<Pod>(pods).create(
      podOf('web', {
        containers: [
          {
            name: 'main',
            image,
            command,
            env: [{ name: 'WHO', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
            volumeMounts: [{ name: 'memory', mountPath: '/memory' }],
          },
        ],
        volumes: [{ name: 'memory', emptyDir: { medium: 'Memory' } }],
      }),
    );
    const running = async () => (await rig.get('web')).status?.phase === 'Running';
    await eventually('the pod to run', running);
    const first = await rig.get('web');
    t.ok(rig.ours().length > 0, 'there is something to take away');
    const log = '/containerLogs/default/web/main';
    await eventually('its log', async () => {
      return (await rig.ask(agent, 'GET', log)) === `up ${first.status?.podIP}\n`;
    });
    await agent.close();
    agent = await rig.start();
    await eventually('the pod to be followed again', () => {
      return agent.pods.find('default', 'web')?.state.volumesReady === true;
    });
    const second = await rig.get('web');
    t.strictSame(second.status, first.status, 'nothing was restarted');
    await rig.ask(agent, 'POST', '/shutdown?containers=stop');
    await agent.close();
    rmSync(rig.dir, { recursive: true, force: true });
    let left: string[] = [];
    const isGone = () => {
      left = rig.ours();
      return left.length === 0;
    };
    await eventually('all of it to be gone', isGone).catch(() => t.strictSame(left, []));
  },
);
