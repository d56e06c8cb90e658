/** Where the volumes of a Container are. */
import t from 'tap';
import { volumeHash, volumePlaces, withPlaces } from '#node-agent/pod/container-volumes.ts';
import { podOf } from '../agent-rig.ts';

const dirs = { own: (hash: string) => `/kept/${hash}`, shared: '/volumes' };
const podWith = (annotation?: string) => {
  const pod = podOf('web', {
    containers: [
      {
        name: 'main',
        image: 'busybox',
        volumeMounts: [
          { name: 'a', mountPath: '/a' },
          { name: 'b', mountPath: '/b', readOnly: true },
          { name: 'memory', mountPath: '/m' },
          { name: 'host', mountPath: '/h' },
        ],
      },
    ],
    volumes: [
      { name: 'a', emptyDir: {} },
      { name: 'b', emptyDir: {} },
      { name: 'memory', emptyDir: { medium: 'Memory' } },
      { name: 'host', hostPath: { path: '/srv' } },
    ],
  });
  const annotations = annotation === undefined ? {} : { 'bayplan.dev/volumes': annotation };
  return { ...pod, metadata: { ...pod.metadata, annotations } };
};

t.test('one with a name is the namespace’s, one without the container’s own', async (t) => {
  const places = volumePlaces(podWith('{"/a":"data"}'), 'main', dirs);
  t.strictSame(
    [...places],
    [
      ['/a', '/volumes/default/data'],
      ['/b', `/kept/${volumeHash('/b')}`],
    ],
  );
  const mounts = withPlaces(
    [
      { type: 'bind', source: '/pod/b', root: '/pod', target: '/b', readonly: true },
      { type: 'bind', source: '/srv', target: '/h', readonly: false },
    ],
    places,
  );
  t.strictSame(mounts, [
    { type: 'bind', source: `/kept/${volumeHash('/b')}`, target: '/b', readonly: true },
    { type: 'bind', source: '/srv', target: '/h', readonly: false },
  ]);
});

t.test('a name that leads elsewhere is refused', async (t) => {
  for (const name of ['"../x"', '".."', '"a/b"', '""', '7', 'null', '"a\\u0000"', '{"x":1}']) {
    t.throws(() => volumePlaces(podWith(`{"/a":${name}}`), 'main', dirs), {
      reason: 'InvalidVolumeName',
      message: /the volume at \/a is called/,
    });
  }
  t.equal(volumePlaces(podWith('no JSON'), 'main', dirs).size, 2);
});
