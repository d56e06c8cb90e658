/** Containers that stand on layers in the form of EROFS images, alone and among directories. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import t from 'tap';
import { forgetLayer, isLayerFileOpen } from '#native/layer-mounts.ts';
import type { ContainerSpec, SandboxSpec } from '#node-agent/container/runtime.ts';
import { imageOf, needsErofs } from '../../support/erofs-layer.ts';
import {
  containerSpec,
  exited,
  logText,
  sandboxSpec,
  startNode,
  stopNode,
  traces,
  until,
} from './node.ts';

await needsErofs();
const node = await startNode('forms');
t.teardown(() => stopNode(node));
const image = await imageOf(node.layer);
const above = `${node.directory}/above`;
mkdirSync(above);
writeFileSync(`${above}/above`, 'a');
const aboveImage = await imageOf(above);
/** Of this node and of images: other tests have theirs beside them. */
const mounts = () =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(node.directory) || / - erofs /.test(line));
const descriptors = () => readdirSync('/proc/self/fd').length;

async function said(
  script: string,
  change: Partial<ContainerSpec>,
  sandboxChange: Partial<SandboxSpec> = {},
): Promise<string> {
  const sandbox = sandboxSpec(node, sandboxChange);
  await node.runtime.createSandbox(sandbox);
  const spec = containerSpec(node, sandbox.id, {
    args: ['sh', '-c', `exec 2>&1; ${script}`],
    ...change,
  });
  await node.runtime.start(spec);
  await exited(node, spec.id);
  await node.runtime.remove(spec.id);
  await node.runtime.removeSandbox(sandbox.id);
  return logText(spec.logPath);
}

t.test('what a program sees and writes is the same over either form', async (t) => {
  const script =
    'cat /above; ls /; stat -c "%n %F %a %u:%g %Y" /bin /bin/sh /bin/busybox /etc/passwd /above; echo new > /etc/new; rm /etc/passwd; ls /etc; cp /bin/busybox /x; mv /x /bin/busybox; stat -c %s /bin/busybox';
  const before = traces(node);
  const wanted = await said(script, { layers: [node.layer, above] });
  t.match(wanted, /above/);
  t.equal(await said(script, { layers: [image, above] }), wanted);
  t.equal(await said(script, { layers: [image, aboveImage] }), wanted);
  t.equal(await said(script, { layers: [node.layer, aboveImage] }), wanted);
  t.strictSame(traces(node), before);
});

t.test('with a read-only root', async (t) => {
  const script = 'cat /etc/passwd; echo x > /x; ls /';
  const change = { readonlyRootfs: true };
  const wanted = await said(script, { ...change, layers: [node.layer] });
  t.match(wanted, /root:x:0:0[\s\S]*Read-only file system/);
  t.equal(await said(script, { ...change, layers: [image] }), wanted);
});

t.test('in a user namespace, which shows the owners', async (t) => {
  const script =
    'id -u; grep -q 65536 /proc/self/uid_map && echo mapped; stat -c "%n %u" /etc /etc/passwd; echo x > /etc/x; stat -c "%n %u" /etc/x';
  const maps = { userNamespace: 'auto' } as const;
  const wanted = await said(script, { layers: [node.layer] }, maps);
  t.match(wanted, /mapped/);
  t.notMatch(wanted, /65534/);
  t.equal(await said(script, { layers: [image] }, maps), wanted);
  const readonly = { readonlyRootfs: true };
  t.match(
    await said('stat -c "%n %u" /etc/passwd', { ...readonly, layers: [image, aboveImage] }, maps),
    /passwd 0$/m,
  );
});

t.test('prepared beforehand, its layers may be forgotten and their files removed', async (t) => {
  const other = `${node.directory}/other`;
  copyFileSync(image, other);
  const sandbox = sandboxSpec(node);
  await node.runtime.createSandbox(sandbox);
  const args = ['sh', '-c', 'cat /etc/passwd'];
  const spec = containerSpec(node, sandbox.id, { args, layers: [other] });
  await node.runtime.prepare(spec);
  forgetLayer(other);
  t.ok(isLayerFileOpen(other), 'the container stands on it');
  rmSync(other);
  await node.runtime.start(spec);
  t.match(await exited(node, spec.id), { exitCode: 0 });
  t.match(logText(spec.logPath), /root:x:0:0/);
  await node.runtime.remove(spec.id);
  await node.runtime.removeSandbox(sandbox.id);
});

t.test('an image that is damaged says so, and nothing is left', async (t) => {
  const damaged = `${node.directory}/damaged`;
  writeFileSync(damaged, 'x'.repeat(8192));
  const before = [descriptors(), mounts()];
  const sandbox = sandboxSpec(node);
  await node.runtime.createSandbox(sandbox);
  const spec = containerSpec(node, sandbox.id, { layers: [image, damaged] });
  await t.rejects(node.runtime.start(spec), {
    message: /mount .*\/damaged: .*pull or load it again/,
  });
  await node.runtime.remove(spec.id);
  await node.runtime.removeSandbox(sandbox.id);
  t.strictSame([descriptors(), mounts()], before);
});

t.test(
  'who runs keeps its file from being taken for free; descriptors and mounts do not grow',
  async (t) => {
    const sandbox = sandboxSpec(node);
    await node.runtime.createSandbox(sandbox);
    const args = ['sh', '-c', 'while :; do sleep 0.05; done'];
    const long = containerSpec(node, sandbox.id, { args, layers: [image] });
    await node.runtime.start(long);
    const before = [descriptors(), mounts()];
    for (let i = 0; i < 50; i++) {
      const spec = containerSpec(node, sandbox.id, { layers: [image] });
      await node.runtime.start(spec);
      await exited(node, spec.id);
      await node.runtime.remove(spec.id);
    }
    t.strictSame([descriptors(), mounts()], before);
    forgetLayer(image);
    t.ok(isLayerFileOpen(image));
    await node.runtime.kill(long.id);
    await exited(node, long.id);
    await until('nobody has the file open', () => !isLayerFileOpen(image));
    await node.runtime.remove(long.id);
    await node.runtime.removeSandbox(sandbox.id);
    t.ok(existsSync(image));
  },
);
