/** Roots of every kind, their devices and protected paths; and images that try to lead a mount astray. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { containerFlag } from '#native/protocol.ts';
import { standardDevices } from '#node-agent/container/standard-mounts.ts';
import { needsRoot } from '../support/scratch.ts';
import { layer, mount, newDirectory, run, tree, usualMounts } from './rig.ts';

needsRoot();
const host = tree((done) => t.teardown(done));

t.test('a root without a layer of its own', async (t) => {
  const flags = containerFlag.readonlyRoot;
  const more = [mount('', host, '/data', 'rbind'), mount('tmpfs', '', '/made/for/it')];
  const script =
    'echo x > /x || echo ro; cat /data/file; echo y > /made/for/it/y && echo written; ls -d /made; cat /etc/passwd';
  const lines = await run(script, { flags, upper: '', work: '', more });
  t.strictSame(
    lines.filter((line) => !line.startsWith('sh:')),
    ['ro', 'of the host', 'written', '/made', 'root:x:0:0:root:/root:/bin/sh'],
  );
  t.notOk(existsSync(`${layer}/made`));
});

t.test('a bundle’s directory is the root as it stands', async (t) => {
  const bundle = newDirectory();
  execFileSync('cp', ['-a', `${layer}/.`, bundle]);
  const plain = { flags: containerFlag.plainRoot, layers: [bundle], upper: '', work: '' };
  t.strictSame(await run('echo here > /written; stat -f -c %T / | grep -c overlay', plain), ['0']);
  t.ok(existsSync(`${bundle}/written`));
  const readonly = { ...plain, flags: plain.flags | containerFlag.readonlyRoot };
  t.match(await run('echo x > /second', readonly), [/Read-only file system/]);
});

t.test('devices: owners, modes, kinds; what is there already must be the same', async (t) => {
  const device = (path: string, mode: number, change = {}) => ({
    path,
    mode,
    major: 1,
    minor: 3,
    uid: 0,
    gid: 0,
    ...change,
  });
  const devices = [
    ...standardDevices,
    device('/dev/deep/null', 0o020640, { uid: 5, gid: 6 }),
    device('/run/pipe', 0o010600),
    device('/dev/disk', 0o060600, { major: 254, minor: 0 }),
    device('/dev/null', 0o020666),
  ];
  const script = 'stat -c "%F %a %u:%g %t,%T" /dev/deep/null /run/pipe /dev/disk; readlink /dev/fd';
  t.strictSame(await run(script, { devices }), [
    'character special file 640 5:6 1,3',
    'fifo 600 0:0 0,0',
    'block special file 600 0:0 fe,0',
    '/proc/self/fd',
  ]);
  const other = { devices: [...standardDevices, device('/dev/null', 0o020666, { minor: 5 })] };
  await t.rejects(run('true', other), /make device \/dev\/null: errno 17/);
  const file = { devices: [device('/etc/passwd', 0o020666)] };
  await t.rejects(run('true', file), /make device \/etc\/passwd: errno 17/);
});

t.test('masked and read-only paths, also through links of the image', async (t) => {
  const image = newDirectory();
  mkdirSync(`${image}/secret/dir`, { recursive: true });
  writeFileSync(`${image}/secret/file`, 'secret\n');
  writeFileSync(`${image}/secret/dir/x`, 'secret\n');
  symlinkSync('secret', `${image}/alias`);
  const script =
    'cat /secret/file; ls /secret/dir; touch /secret/dir/y || echo ro-dir; touch /etc/x || echo ro-etc; ls /bin/sh';
  const lines = await run(script, {
    layers: [image, layer],
    masked: ['/alias/file', '/secret/dir', '/not/there'],
    readonlyPaths: ['/etc', '/not/there'],
  });
  t.strictSame(
    lines.filter((line) => !line.startsWith('touch:')),
    ['ro-dir', 'ro-etc', '/bin/sh'],
  );
});

t.test('links of the image never lead a mount or a device out of it', async (t) => {
  const outside = newDirectory();
  const image = newDirectory();
  for (const name of ['way', 'srv']) symlinkSync(outside, `${image}/${name}`);
  symlinkSync('../../../../../../../..', `${image}/up`);
  const more = [
    mount('tmpfs', '', '/way/tmp'),
    mount('', host, '/up/up/bound', 'rbind'),
    mount('', `${host}/file`, '/srv/file', 'bind'),
  ];
  const devices = [
    ...standardDevices,
    { path: '/way/node', mode: 0o020666, major: 1, minor: 3, uid: 0, gid: 0 },
  ];
  const lines = await run(`cat /bound/file /srv/file; ls ${outside}`, {
    layers: [image, layer],
    more,
    devices,
  });
  t.strictSame(lines, ['of the host', 'of the host', 'file', 'node', 'tmp']);
  t.strictSame(readdirSync(outside), []);
});

t.test('an image whose /dev, /proc or /sys is a link is refused (CVE-2026-41579)', async (t) => {
  for (const name of ['dev', 'proc', 'sys']) {
    const image = newDirectory();
    mkdirSync(`${image}/bin`);
    symlinkSync('/bin', `${image}/${name}`);
    const mounts = usualMounts().filter(({ target }) => target === `/${name}`);
    const linked = { layers: [image], mounts, mountsBeforeDevices: 1, devices: [], links: [] };
    await t.rejects(run('true', linked), new RegExp(`mount point /${name}: errno 40`));
  }
});
