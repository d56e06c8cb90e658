import t from 'tap';
import { builtIn, World } from './world.ts';

const configMaps = builtIn('', 'configmaps');
const annotation = 'kubectl.kubernetes.io/last-applied-configuration';

/** An object that `kubectl apply` has made of `said`, and somebody else has changed to `data`. */
function clientSide(said: Record<string, string>, data = said): World {
  const world = new World(configMaps);
  const text = JSON.stringify(world.object({ data: said }));
  const metadata = { annotations: { [annotation]: text } };
  world.update('kubectl-client-side-apply', { metadata, data: said });
  if (data !== said) world.update('other', { metadata, data });
  return world;
}

t.test('kubectl takes over what client-side apply has set', async (t) => {
  const world = clientSide({ x: '1' });
  t.equal(world.apply('kubectl', { data: { x: '2' } }), undefined);
  t.strictSame(world.fields, { data: { x: '2' } });
  t.strictSame(world.owners['kubectl Apply'], ['.data.x']);
  t.match(JSON.parse(world.live?.metadata.annotations?.[annotation] ?? ''), { data: { x: '2' } });
});

t.test('any other manager meets a conflict', async (t) => {
  const world = clientSide({ x: '1' });
  t.match(
    world.apply('other', { data: { x: '2' } })?.message,
    'conflict with "kubectl-client-side-apply" using v1: .data.x',
  );
});

t.test('what was changed since is a conflict for kubectl, too', async (t) => {
  const world = clientSide({ x: '1', y: '1' }, { x: '1', y: '2' });
  const error = world.apply('kubectl', { data: { x: '3', y: '3' } });
  t.equal(error?.message, 'Apply failed with 1 conflict: conflict with "other" using v1: .data.y');
});

t.test('the annotation is not made where there is none', async (t) => {
  const world = new World(configMaps);
  world.apply('kubectl', { data: { x: '1' } });
  t.notOk(world.live?.metadata.annotations);
});

for (const broken of ['', '{', '[]', '{"apiVersion":"v2"}']) {
  t.test(`an annotation ${JSON.stringify(broken)} allows nothing`, async (t) => {
    const world = new World(configMaps);
    const metadata = { annotations: { [annotation]: broken } };
    world.update('kubectl-client-side-apply', { metadata, data: { x: '1' } });
    t.equal(world.apply('kubectl', { data: { x: '2' } })?.code, 409);
  });
}
