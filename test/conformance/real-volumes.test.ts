/** ConfigMaps and Secrets as volumes, alone and projected, on a real node. */
import { image, shell, startRealRig } from './real-rig.ts';

const { rig, test } = await startRealRig();
const content = { 'data-1': 'value-1', 'data-2': 'value-2', 'data-3': 'value-3' };
/** The mode of what a link leads to, as the profile's `mounttest` shows it, and what is in it. */
const show = (path: string) => shell(`stat -L -c '%A %u %g' ${path}; cat ${path}`);

interface Kind {
  readonly title: string;
  readonly of: 'configmaps' | 'secrets';
  readonly several: string;
  volume(name: string, more?: object, optional?: boolean): object;
}

const projected =
  (kind: string) =>
  (name: string, more: object = {}, optional?: boolean) => {
    const { defaultMode, ...rest } = more as { defaultMode?: number };
    const source = { name, ...rest, ...(optional === undefined ? {} : { optional }) };
    return {
      projected: {
        sources: [{ [kind]: source }],
        ...(defaultMode === undefined ? {} : { defaultMode }),
      },
    };
  };
const several = {
  maps: 'in multiple volumes in the same pod',
  secrets: 'in multiple volumes in a pod',
};
const kinds: Kind[] = [
  {
    title: 'ConfigMap',
    of: 'configmaps',
    several: several.maps,
    volume: (name, more, optional = false) => ({ configMap: { name, ...more, optional } }),
  },
  {
    title: 'Projected configMap',
    of: 'configmaps',
    several: several.maps,
    volume: projected('configMap'),
  },
  {
    title: 'Secrets',
    of: 'secrets',
    several: several.secrets,
    volume: (secretName, more, optional = false) => ({ secret: { secretName, ...more, optional } }),
  },
  {
    title: 'Projected secret',
    of: 'secrets',
    several: several.secrets,
    volume: projected('secret'),
  },
];
const mapped = { items: [{ key: 'data-2', path: 'path/to/data-2' }] };
const mappedWithMode = (key: string) => ({
  items: [{ key, path: 'path/to/data-2', mode: 0o400 }],
});
const unprivileged = { securityContext: { runAsUser: 1000 } };
const kept = (of: Kind['of'], name?: string) =>
  rig.keep(of, of === 'secrets' ? { stringData: content } : { data: content }, name);

for (const { title, of, several, volume } of kinds) {
  const map = title.endsWith('onfigMap');
  const seen = async (path: string, more: object, spec: object = {}) => {
    const name = await kept(of);
    const volumes = [{ name: 'v', ...volume(name, more) }];
    const mount = { volumeMounts: [{ name: 'v', mountPath: '/etc/v', readOnly: true }] };
    const { pod, logs } = await rig.ended(
      { ...show(`/etc/v/${path}`), ...mount },
      { volumes, ...spec },
    );
    return `${pod.status?.phase} ${logs}`;
  };

  test(`${title} should be consumable from pods in volume`, async (t) => {
    t.equal(await seen('data-1', {}), 'Succeeded -rw-r--r-- 0 0\nvalue-1');
  });
  test(`${title} should be consumable from pods in volume with defaultMode set`, async (t) => {
    t.equal(await seen('data-1', { defaultMode: 0o400 }), 'Succeeded -r-------- 0 0\nvalue-1');
  });
  test(`${title} should be consumable from pods in volume with mappings`, async (t) => {
    t.equal(await seen('path/to/data-2', mapped), 'Succeeded -rw-r--r-- 0 0\nvalue-2');
  });
  test(`${title} should be consumable from pods in volume with mappings and Item ${map ? 'mode' : 'Mode'} set`, async (t) => {
    const text = await seen('path/to/data-2', mappedWithMode('data-2'));
    t.equal(text, 'Succeeded -r-------- 0 0\nvalue-2');
  });
  if (map) {
    test(`${title} should be consumable from pods in volume as non-root`, async (t) => {
      t.equal(await seen('data-1', {}, unprivileged), 'Succeeded -rw-r--r-- 0 0\nvalue-1');
    });
    test(`${title} should be consumable from pods in volume with mappings as non-root`, async (t) => {
      t.equal(
        await seen('path/to/data-2', mapped, unprivileged),
        'Succeeded -rw-r--r-- 0 0\nvalue-2',
      );
    });
  } else {
    test(`${title} should be consumable from pods in volume as non-root with defaultMode and fsGroup set`, async (t) => {
      const securityContext = { runAsUser: 1000, fsGroup: 1001 };
      const text = await seen('data-1', { defaultMode: 0o440 }, { securityContext });
      t.equal(text, 'Succeeded -r--r----- 0 1001\nvalue-1');
    });
  }

  test(`${title} should be consumable ${several}`, async (t) => {
    const name = await kept(of);
    const volumes = ['a', 'b'].map((one) => ({ name: one, ...volume(name) }));
    const volumeMounts = ['a', 'b'].map((one) => ({ name: one, mountPath: `/etc/${one}` }));
    const script = shell('cat /etc/a/data-1 /etc/b/data-1');
    t.equal((await rig.ended({ ...script, volumeMounts }, { volumes })).logs, 'value-1value-1');
  });

  test(`${title} optional updates should be reflected in volume`, async (t) => {
    const names = { gone: rig.name('gone'), changed: rig.name('changed'), made: rig.name('made') };
    await kept(of, names.gone);
    await kept(of, names.changed);
    const each = Object.entries(names);
    const volumes = each.map(([name, source]) => ({ name, ...volume(source, {}, true) }));
    const volumeMounts = each.map(([name]) => ({ name, mountPath: `/etc/v/${name}` }));
    const loop = 'while :; do echo $(cd /etc/v; grep -s . */data-1); sleep 0.1; done';
    const pod = await rig.make({ ...shell(loop), volumeMounts }, { volumes });
    await rig.written(pod, /^changed\/data-1:value-1 gone\/data-1:value-1$/m);
    await rig.request('DELETE', rig.path(of, names.gone));
    await rig.change(rig.path(of, names.changed), (object) => {
      object.data['data-1'] = of === 'secrets' ? Buffer.from('new').toString('base64') : 'new';
    });
    await kept(of, names.made);
    const text = await rig.written(pod, /^changed\/data-1:new made\/data-1:value-1$/m);
    t.notMatch(text, /:$/m, 'never a half of it');
  });
}

for (const title of ['ConfigMap', 'Projected configMap'] as const) {
  const { volume } = kinds.find((kind) => kind.title === title) as Kind;
  test(`${title} updates should be reflected in volume`, async (t) => {
    const name = await kept('configmaps');
    const volumes = [{ name: 'v', ...volume(name) }];
    const script = shell('while :; do cat /etc/v/data-1; echo; sleep 0.1; done');
    const mount = { volumeMounts: [{ name: 'v', mountPath: '/etc/v' }] };
    const pod = await rig.make({ ...script, ...mount }, { volumes });
    await rig.written(pod, /^value-1$/m);
    await rig.change(rig.path('configmaps', name), ({ data }) => {
      data['data-1'] = 'value-2';
    });
    t.match(await rig.written(pod, /^value-2$/m), /^(value-1\n)+(value-2\n?)+$/);
  });
}

test('ConfigMap binary data should be reflected in volume', async (t) => {
  const bytes = Buffer.from([0xde, 0xca, 0xfe, 0xba, 0xd0, 0xfe, 0xff]);
  const binaryData = { 'dump.bin': bytes.toString('base64') };
  const name = await rig.keep('configmaps', { data: { text: 'value-1' }, binaryData });
  const { logs } = await rig.ended(
    {
      ...shell('cat /v/text; md5sum </v/dump.bin; wc -c </v/dump.bin'),
      volumeMounts: [{ name: 'v', mountPath: '/v' }],
    },
    { volumes: [{ name: 'v', configMap: { name } }] },
  );
  const { createHash } = await import('node:crypto');
  t.equal(logs, `value-1${createHash('md5').update(bytes).digest('hex')}  -\n7\n`);
});

test('Secrets should be able to mount in a volume regardless of a different secret existing with same name in different namespace', async (t) => {
  const namespace = rig.name('other');
  await rig.request('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
  const name = await kept('secrets');
  const other = { metadata: { name }, stringData: { 'data-1': 'theirs' } };
  await rig.request('POST', rig.path('secrets', '', namespace), other);
  const { logs } = await rig.ended(
    { ...shell('cat /v/data-1'), volumeMounts: [{ name: 'v', mountPath: '/v' }] },
    { volumes: [{ name: 'v', secret: { secretName: name } }] },
  );
  t.equal(logs, 'value-1');
});

test('Projected combined should project all components that make up the projection API', async (t) => {
  const map = await rig.keep('configmaps', { data: { 'configmap-data': 'configmap-value-1' } });
  const secret = await rig.keep('secrets', { stringData: { 'secret-data': 'secret-value-1' } });
  const sources = [
    { downwardAPI: { items: [{ path: 'podname', fieldRef: { fieldPath: 'metadata.name' } }] } },
    { secret: { name: secret, items: [{ key: 'secret-data', path: 'secret-data' }] } },
    { configMap: { name: map, items: [{ key: 'configmap-data', path: 'configmap-data' }] } },
  ];
  const { pod, logs } = await rig.ended(
    {
      ...shell('cd /all; cat podname secret-data configmap-data'),
      volumeMounts: [{ name: 'all', mountPath: '/all' }],
    },
    { volumes: [{ name: 'all', projected: { sources } }] },
  );
  t.equal(logs, `${pod.metadata.name}secret-value-1configmap-value-1`);
});

test('EmptyDir wrapper volumes should not conflict', async (t) => {
  const map = await kept('configmaps');
  const secret = await kept('secrets');
  const volumes = [
    { name: 'secret', secret: { secretName: secret } },
    { name: 'map', configMap: { name: map } },
  ];
  const volumeMounts = volumes.map(({ name }) => ({ name, mountPath: `/etc/${name}` }));
  const { logs } = await rig.ended(
    { ...shell('cat /etc/secret/data-1 /etc/map/data-2'), volumeMounts },
    { volumes },
  );
  t.equal(logs, 'value-1value-2');
});

test('EmptyDir wrapper volumes should not cause race condition when used for configmaps', async (t) => {
  const names = await Promise.all(Array.from({ length: 50 }, () => kept('configmaps')));
  const volumes = names.map((name) => ({
    name,
    configMap: { name, items: [{ key: 'data-1', path: 'd' }] },
  }));
  const volumeMounts = names.map((name) => ({ name, mountPath: `/etc/${name}` }));
  const ended = await Promise.all(
    Array.from({ length: 5 }, () =>
      rig.ended({ ...shell('cat /etc/one-*/d | wc -c'), image, volumeMounts }, { volumes }),
    ),
  );
  t.strictSame(
    ended.map(({ logs }) => logs),
    Array(5).fill('350\n'),
  );
});
