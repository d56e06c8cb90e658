import t from 'tap';
import { goMode } from '#node-agent/operations/archive.ts';
import { withDocument } from '#node-agent/operations/document-config.ts';

t.test('modes are written as Go has them', async (t) => {
  const cases = [
    ['file', 0o644, 0o644],
    ['directory', 0o755, 2 ** 31 + 0o755],
    ['directory', 0o1777, 2 ** 31 + 2 ** 20 + 0o777],
    ['link', 0o777, 2 ** 27 + 0o777],
    ['file', 0o4755, 2 ** 23 + 0o755],
    ['file', 0o2755, 2 ** 22 + 0o755],
  ] as const;
  for (const [kind, mode, wanted] of cases)
    t.equal(goMode({ kind, mode }), wanted, `${kind} ${mode}`);
});

t.test('the configuration of an image made of a container is what ran', async (t) => {
  const base = { Cmd: ['sh'], Entrypoint: ['/init'], Env: ['A=1'] };
  t.same(withDocument(base, {}), base);
  t.same(withDocument(base, { args: ['x'] }), { ...base, Cmd: ['x'] });
  t.same(withDocument(base, { command: ['y'] }), { ...base, Entrypoint: ['y'], Cmd: null });
  t.same(withDocument(base, { env: [{ name: 'A', value: '2' }, { name: 'B' }], user: '7' }), {
    ...base,
    Env: ['A=2', 'B='],
    User: '7',
  });
  const other = {
    labels: { b: 'own' },
    stopSignal: 'SIGQUIT',
    ports: [{ containerPort: 80 }, { containerPort: 53, protocol: 'UDP' }],
    mounts: [
      { type: 'volume', target: '/own' },
      { type: 'volume', source: 'named', target: '/named' },
      { type: 'bind', source: '/x', target: '/x' },
    ],
    healthcheck: { test: ['CMD', 'x'], intervalSeconds: 9, timeoutSeconds: 30, retries: 2 },
  };
  const full = { ...base, Labels: { a: '1', b: '1' }, ExposedPorts: { '1/tcp': {} } };
  t.same(withDocument(full, other), {
    ...full,
    Labels: { a: '1', b: 'own' },
    StopSignal: 'SIGQUIT',
    ExposedPorts: { '1/tcp': {}, '80/tcp': {}, '53/udp': {} },
    Volumes: { '/own': {} },
    Healthcheck: { Test: ['CMD', 'x'], Interval: 9e9, Retries: 2 },
  });
});
