/** Volumes that are images: pulled once a pod, whatever else the container waits for. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { volumesDir } from '#node-agent/pod/paths.ts';
import { agentRig, eventually, podOf } from '../agent-rig.ts';
import { busybox } from '../fake-images.ts';

const layer = mkdtempSync(join(tmpdir(), 'layer-'));
mkdirSync(join(layer, 'data'));
writeFileSync(join(layer, 'data', 'file'), 'of the image');
t.teardown(() => rmSync(layer, { recursive: true, force: true }));

t.test('an image and a volume are both asked for always: each once, and again never', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  rig.images.layers = async () => [layer];
  const pulled = (id: string) => ({
    ...busybox,
    id: `sha256:${id.repeat(32)}`,
    repoDigests: [`r/x@${busybox.digest}`],
  });
  rig.images.remote.set('r/main', async () => pulled('01'));
  rig.images.remote.set('r/volume', async () => pulled('02'));
  const pod = podOf('web', {
    restartPolicy: 'Always',
    volumes: [
      { name: 'v', image: { reference: 'r/volume', pullPolicy: 'Always' } },
      { name: 'unused', image: { reference: 'r/none', pullPolicy: 'Always' } },
    ],
  });
  Object.assign(pod.spec?.containers[0] ?? {}, {
    image: 'r/main',
    imagePullPolicy: 'Always',
    volumeMounts: [{ name: 'v', mountPath: '/v' }],
  });
  await rig.create(pod);
  const running = await rig.until('web', (one) => one.status?.phase === 'Running');
  const asked = () => rig.images.pulls.map(({ reference }) => reference).sort();
  t.strictSame(asked(), ['r/main', 'r/volume']);
  const dir = join(volumesDir({ dataDir: rig.dataDir }, running.metadata.uid ?? ''), 'v');
  t.equal(readFileSync(join(dir, 'data', 'file'), 'utf8'), 'of the image');
  t.match(
    rig.runtime.latest('main')?.spec.mounts.find(({ target }) => target === '/v'),
    { type: 'bind', source: dir, readonly: true, options: ['noexec'] },
  );
  t.match(running.status?.containerStatuses?.[0]?.imageID, /0101/, 'its own image runs');
  rig.runtime.exit(rig.runtime.latest('main')?.spec.id ?? '', 1);
  await rig.until('web', (one) => one.status?.containerStatuses?.[0]?.restartCount === 1);
  t.strictSame(asked(), ['r/main', 'r/main', 'r/volume'], 'the volume stays what it is');
  await rig.world.pods.delete({ namespace: 'default', name: 'web' });
  await eventually('the volume to be gone', () => !existsSync(dir));
});
