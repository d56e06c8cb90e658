import t from 'tap';
import { withInstructions } from '#node-agent/image/instructions.ts';

const base = { Env: ['A=1', 'PATH=/bin'], Cmd: ['sh'], Labels: { old: 'yes' }, WorkingDir: '/srv' };

/** `@{` is written for what a template string would take for its own. */
const braced = (text: string): string => text.replaceAll('@{', '$\u007b');

t.test('instructions change the configuration as a Dockerfile does', async (t) => {
  const cases: [string[], object][] = [
    [['CMD ["a", "b"]'], { ...base, Cmd: ['a', 'b'] }],
    [['cmd echo hi'], { ...base, Cmd: ['/bin/sh', '-c', 'echo hi'] }],
    [
      ['SHELL ["/bin/ash", "-ec"]', 'CMD x'],
      { ...base, Shell: ['/bin/ash', '-ec'], Cmd: ['/bin/ash', '-ec', 'x'] },
    ],
    [['ENTRYPOINT ["/e"]'], { ...base, Entrypoint: ['/e'], Cmd: null }],
    [['CMD ["x"]', 'ENTRYPOINT ["y"]'], { ...base, Entrypoint: ['y'], Cmd: ['x'] }],
    [['ENTRYPOINT ["y"]', 'CMD ["x"]'], { ...base, Entrypoint: ['y'], Cmd: ['x'] }],
    [['CMD []'], base],
    [['ENTRYPOINT []'], base],
    [
      [braced('ENV A=2 B=$A C="@{A}x" D=\'$A\' E=\\$A')],
      {
        ...base,
        Env: ['A=2', 'PATH=/bin', 'B=1', 'C=1x', 'D=$A', 'E=$A'],
      },
    ],
    [
      ['ENV PATH=/own:$PATH', 'ENV P $PATH here'],
      {
        ...base,
        Env: ['A=1', 'PATH=/own:/bin', 'P=/own:/bin here'],
      },
    ],
    [
      [braced('ENV B=@{NO:-d$A} C=@{A:+set} D=@{NO:+set} E=@{NO-x} F=a$'), 'WORKDIR $B/$NO'],
      {
        ...base,
        Env: ['A=1', 'PATH=/bin', 'B=d1', 'C=set', 'D=', 'E=x', 'F=a$'],
        WorkingDir: '/srv/d1',
      },
    ],
    [
      ['LABEL p="$PATH" $A=b', 'USER "u$A"', 'VOLUME /v$A', 'VOLUME ["/w$A"]', 'EXPOSE 8$A'],
      {
        ...base,
        Labels: { old: 'yes', p: '/bin', 1: 'b' },
        User: 'u1',
        Volumes: { '/v1': {}, '/w1': {} },
        ExposedPorts: { '81/tcp': {} },
      },
    ],
    [
      ['# two of them\nENV A=2\n\nLABEL a=b \\\n  c=d\n'],
      {
        ...base,
        Env: ['A=2', 'PATH=/bin'],
        Labels: { old: 'yes', a: 'b', c: 'd' },
      },
    ],
    [['CMD echo $A'], { ...base, Cmd: ['/bin/sh', '-c', 'echo $A'] }],
    [['STOPSIGNAL rtmin+3'], { ...base, StopSignal: 'rtmin+3' }],
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
    ['CMD', /change "CMD": nothing follows it/],
    ['# nothing', /there is no instruction in it/],
    ['', /there is no instruction in it/],
    [braced('ENV A=@{'), /'\$\{' is no variable/],
    [braced('ENV A=@{A?b}'), /is no variable/],
    ['VOLUME []', /nothing follows it/],
    ['SHELL []', /write SHELL/],
    ['ONBUILD FROM x', /FROM is not allowed as an ONBUILD trigger/],
    ['ONBUILD onbuild RUN x', /ONBUILD is not allowed/],
    ['STOPSIGNAL NOPE', /'NOPE' is no signal/],
    ['STOPSIGNAL 0', /'0' is no signal/],
    ['HEALTHCHECK --retries=x CMD a', /'x' is not a number/],
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
    t.throws(() => withInstructions(base, [instruction]), message, instruction);
});
