import t from 'tap';
import { withInstructions } from '#node-agent/image/instructions.ts';

const base = { Env: ['A=1', 'PATH=/bin'], Cmd: ['sh'], Labels: { old: 'yes' }, WorkingDir: '/srv' };

t.test('instructions change the configuration as a Dockerfile does', async (t) => {
  const cases: [string[], object][] = [
    [['CMD ["a", "b"]'], { ...base, Cmd: ['a', 'b'] }],
    [['cmd echo hi'], { ...base, Cmd: ['/bin/sh', '-c', 'echo hi'] }],
    [
      ['SHELL ["/bin/ash", "-ec"]', 'CMD x'],
      { ...base, Shell: ['/bin/ash', '-ec'], Cmd: ['/bin/ash', '-ec', 'x'] },
    ],
    [['ENTRYPOINT ["/e"]'], { ...base, Entrypoint: ['/e'], Cmd: null }],
    [['ENV A=2 B="two words"'], { ...base, Env: ['A=2', 'PATH=/bin', 'B=two words'] }],
    [['ENV C old form'], { ...base, Env: ['A=1', 'PATH=/bin', 'C=old form'] }],
    [['LABEL a=b c="d e"'], { ...base, Labels: { old: 'yes', a: 'b', c: 'd e' } }],
    [
      ['EXPOSE 80 53/udp 7000-7001'],
      { ...base, ExposedPorts: { '80/tcp': {}, '53/udp': {}, '7000/tcp': {}, '7001/tcp': {} } },
    ],
    [['VOLUME /data ["x"]'.slice(0, 12)], { ...base, Volumes: { '/data': {} } }],
    [['VOLUME ["/a", "/b"]'], { ...base, Volumes: { '/a': {}, '/b': {} } }],
    [['WORKDIR sub', 'WORKDIR ../other'], { ...base, WorkingDir: '/srv/other' }],
    [
      ['USER 1000:1000', 'STOPSIGNAL SIGQUIT'],
      { ...base, User: '1000:1000', StopSignal: 'SIGQUIT' },
    ],
    [['ONBUILD RUN x'], { ...base, OnBuild: ['RUN x'] }],
    [['HEALTHCHECK NONE'], { ...base, Healthcheck: { Test: ['NONE'] } }],
    [
      ['HEALTHCHECK --interval=1m30s --retries=2 CMD curl -f x'],
      { ...base, Healthcheck: { Interval: 90e9, Retries: 2, Test: ['CMD-SHELL', 'curl -f x'] } },
    ],
  ];
  for (const [instructions, wanted] of cases)
    t.same(withInstructions(base, instructions), wanted, instructions.join('; '));
});

t.test('what cannot be understood is named', async (t) => {
  const cases: [string, RegExp][] = [
    ['RUN make', /change "RUN make": it must begin with one of CMD, /],
    ['CMD', /change "CMD"/],
    ['EXPOSE web', /'web' is not a port/],
    ['EXPOSE 70000', /'70000' is not a port/],
    ['VOLUME ../up', /'..\/up' is not an absolute path/],
    ['VOLUME /a/../../etc', /is not an absolute path without '..'/],
    ['SHELL /bin/sh', /write SHELL \["executable"/],
    ['HEALTHCHECK --interval=soon CMD x', /'soon' is not a duration/],
    ['HEALTHCHECK --often=1s CMD x', /unknown flag --often/],
    ['LABEL =x', /'=x' is not NAME=VALUE/],
  ];
  for (const [instruction, message] of cases)
    t.throws(() => withInstructions(base, [instruction]), { message }, instruction);
});
