/** Go's text/template, as people use it in `--format` and in `-o go-template`. */
import t, { type Test } from 'tap';
import { UsageError } from '#cli/arguments.ts';
import { template } from '#cli/format.ts';

const box = {
  Name: '/web',
  State: { Status: 'running', Running: true, ExitCode: 0, Pid: 42 },
  Config: { Env: ['A=1', 'B=2'], Labels: { 'com.x/team': 'a<b', zone: 'eu' }, Cmd: null },
  NetworkSettings: {
    Ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }], '443/tcp': null },
    Networks: { cluster: { IPAddress: '10.0.0.2' } },
  },
};

function check(t: Test, cases: Readonly<Record<string, string>>): void {
  for (const [text, expected] of Object.entries(cases)) {
    t.equal(template(text)(box), expected, text);
  }
}

t.test('what docker documents for inspect', async (t) => {
  check(t, {
    '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}': '10.0.0.2',
    '{{range $p, $conf := .NetworkSettings.Ports}}{{$p}}->{{if $conf}}{{(index $conf 0).HostPort}}{{else}}none{{end}};{{end}}':
      '443/tcp->none;80/tcp->8080;',
    '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}': '8080',
    '{{index .Config.Labels "com.x/team"}}': 'a<b',
    '{{json .State}}': '{"Status":"running","Running":true,"ExitCode":0,"Pid":42}',
    '{{slice .Name 1}}': 'web',
    '{{.State.Status}} {{.State.ExitCode}} {{.State.Running}}': 'running 0 true',
  });
});

t.test('blocks, variables and pipes', async (t) => {
  check(t, {
    '{{with .State}}{{.Pid}} of {{$.Name}}{{end}}': '42 of /web',
    '{{with .Missing}}x{{else}}none{{end}}': 'none',
    '{{with .Missing}}x{{else with .Config.Env}}{{index . 0}}{{end}}': 'A=1',
    '{{if .Missing}}a{{else if eq .State.Status "exited"}}b{{else if .State.Pid}}c{{else}}d{{end}}':
      'c',
    '{{$n := len .Config.Env}}{{range .Config.Env}}{{$n}}{{end}}': '22',
    '{{$last := ""}}{{range .Config.Env}}{{$last = .}}{{end}}{{$last}}': 'B=2',
    '{{range $i, $e := .Config.Env}}{{if $i}}, {{end}}{{$e}}{{end}}': 'A=1, B=2',
    '{{range .Config.Env}}{{.}}{{break}}{{end}}': 'A=1',
    '{{range $i, $e := .Config.Env}}{{if eq $i 0}}{{continue}}{{end}}{{$e}}{{end}}': 'B=2',
    '{{range .Config.Labels}}{{.}},{{end}}': 'a<b,eu,',
    '{{.Name | upper | printf "%s|%d" }}': '/WEB|%!d(MISSING)',
    '{{(index .Config.Env 0) | split "=" }}': '[=]',
    '{{split "a=b" "=" | join "-"}}': '-',
    '{{join (split "a=b" "=") "+"}}': 'a+b',
    '{{/* nothing }} here */}}x': 'x',
    'a  {{- 1 -}}  b{{"}}"}}{{`\\n`}}': 'a1b}}\\n',
    '{{.Name}}{{- /* gone */ -}} !': '/web!',
    "{{'a'}} {{-3}} {{1.5}} {{true}} {{nil}}": '97 -3 1.5 true <no value>',
  });
});

t.test('functions', async (t) => {
  check(t, {
    '{{and .State.Running .Name}} {{and .Config.Cmd (index .Config.Env 9)}}': '/web <no value>',
    '{{or .Missing .Name}} {{not .Missing}}': '/web true',
    '{{eq .State.Pid 1 2 42}} {{ne .Name "a"}} {{lt 1 2}} {{ge "b" "a"}} {{gt 1 2}} {{le 2 2}}':
      'true true true true false true',
    '{{len .Name}} {{len .Config.Labels}} {{title "ab cd"}} {{lower "AB"}}': '4 2 Ab Cd ab',
    '{{printf "%-6s|%6.2f|%05d|%q|%v|%x|%t|%%" .Name 1.5 42 "a" .Config.Env "ab" true}}':
      '/web  |  1.50|00042|"a"|[A=1 B=2]|6162|true|%',
    '{{printf "%d" "a"}} {{printf "a" 1}}': '%!d(string=a) a%!(EXTRA int=1)',
    '{{print 1 2 "a" 3}} {{println "a" 1}}': '1 2a3 a 1\n',
    '{{pad "a" 1 2}}|{{truncate "abcdef" 3}}|{{slice .Config.Env 1}}': ' a  |abc|[B=2]',
    '{{html "a<b"}} {{urlquery "a b&c"}} {{base64decode "YQ=="}}': 'a&lt;b a+b%26c a',
    '{{exists .State "Pid"}} {{exists .State "a" "b"}}': 'true false',
  });
});

t.test('what cannot be read or followed is told', async (t) => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['{{.A', /unclosed action/],
    ['{{.A "b}}', /unclosed action/],
    [`{{${'"a" '.repeat(40)}`, /unclosed action/],
    ['{{nope .A}}', /function "nope" not defined/],
    ['{{constructor .A}}', /function "constructor" not defined/],
    ['{{range .A}}', /unexpected EOF/],
    ['{{if .A}}{{else}}', /unexpected EOF/],
    ['{{end}}', /unexpected \{\{end\}\}/],
    ['{{break}}', /outside \{\{range\}\}/],
    ['{{}}', /missing value for command/],
    ['{{(.A}}', /unclosed left paren/],
    ['{{.A "b"}}', /no function/],
    ['{{"a" | .A}}', /no function/],
    ['{{$x}}', /undefined variable "\$x"/],
    ['{{.A ? 1}}', /unexpected '\? 1'/],
    ['{{index .Config.Env 5}}', /index out of range: 5/],
    ['{{index .Missing 1}}', /index of untyped nil/],
    ['{{len 3}}', /error calling len: len of 3/],
    ['{{lt 1 "a"}}', /incompatible types for comparison/],
    ['{{slice .Name 9}}', /index out of range/],
  ];
  for (const [text, why] of wrong) {
    const follow = () => template(text)(box);
    t.throws(follow, UsageError, text);
    t.throws(follow, why, text);
  }
});
