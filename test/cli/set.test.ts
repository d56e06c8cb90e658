/** `bay set image` says and does what the real kubectl says and does. */
import t from 'tap';
import { setRig } from './set-rig.ts';

const { client, asKubectl, refuses } = await setRig(t);

const images = async (namespace: string): Promise<string> => {
  const paths = [`/apis/apps/v1/namespaces/${namespace}/deployments`];
  paths.push(`/apis/batch/v1/namespaces/${namespace}/cronjobs`);
  const lists = await Promise.all(paths.map((path) => client.request('GET', path)));
  return (
    JSON.stringify(lists)
      .match(/"image":"[^"]*"/g)
      ?.join(' ') ?? ''
  );
};

await asKubectl(
  [
    ['image', 'deployment/web', 'one=one:2'],
    ['image', 'deployment/web', 'one=one:2'],
    ['image', 'deploy', 'web', 'one=one:3', 'two=two@sha256:aa', '-o', 'name'],
    ['image', 'deploy/web', 'cj/each', '*=all:1'],
    ['image', 'deploy', '--all', 'one=one:4', '--dry-run=server'],
    ['image', 'deploy', '-l', 'app=other', 'one=one:5'],
    ['image', 'cronjob/each', 'each=b'],
  ],
  images,
  /one:5/,
);

await refuses(
  [
    [['image', 'deploy/web', 'none=a'], 1, /unable to find container named "none"/],
    [['image', 'deploy/web'], 2, /at least one image update is required/],
    [['image', 'deploy/web', '*=a', 'one=b'], 2, /all containers are already specified by \*/],
    [['image', 'deploy/web', 'one=a', 'one=b'], 2, /name each once/],
    [['image', 'ns/default', 'one=a'], 1, /has no containers/],
    [['colour', 'deploy/web'], 2, /bay set image/],
  ],
  images,
);
