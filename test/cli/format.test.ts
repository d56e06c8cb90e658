/** Go templates as far as docker's users write them, filters, tables, durations. */
import t from 'tap';
import { DetachKeys, keyBytes } from '#cli/detach-keys.ts';
import { duration } from '#cli/duration.ts';
import { filtersOf, hasLabels, some, truth } from '#cli/filters.ts';
import { template } from '#cli/format.ts';
import { renderRows } from '#cli/listing.ts';

const image = {
  Id: 'sha256:ab',
  Config: { Env: ['A=1', 'B=2'], Labels: { team: 'x' }, Cmd: null, ExposedPorts: {} },
};

t.test('a template gives what Go gives', async (t) => {
  const cases: Readonly<Record<string, string>> = {
    '{{.Id}}': 'sha256:ab',
    'id: {{ .Id }}\\t{{.Config.Labels.team}}': 'id: sha256:ab\tx',
    '{{json .Config.Env}}': '["A=1","B=2"]',
    '{{.Config.Env}}': '[A=1 B=2]',
    '{{.Config.Labels}}': 'map[team:x]',
    '{{.Nothing}}': '<no value>',
    '{{range .Config.Env}}{{println .}}{{end}}': 'A=1\nB=2\n',
    '{{range .Config.ExposedPorts}}x{{else}}none{{end}}': 'none',
    '{{if .Config.Cmd}}yes{{else}}no{{end}}': 'no',
    '{{index .Config.Labels "team"}}': 'x',
    '{{index .Config.Env 1}}': 'B=2',
    '{{join .Config.Env ","}}': 'A=1,B=2',
    '{{.Id | upper}}': 'SHA256:AB',
    '{{len .Config.Env}}': '2',
    '{{- .Id -}}': 'sha256:ab',
  };
  for (const [text, expected] of Object.entries(cases)) t.equal(template(text)(image), expected);
  for (const text of ['{{.Id', '{{nope .Id}}', '{{range .Id}}', '{{end}}', '{{.constructor}}']) {
    if (text === '{{.constructor}}') t.equal(template(text)(image), '<no value>');
    else t.throws(() => template(text)(image), /--format: template parsing error/, text);
  }
});

t.test('a table of own columns has headings', async (t) => {
  const rows = [{ ID: '1', Names: 'one', RunningFor: '2 days ago' }];
  const usual = [['CONTAINER ID', 'ID']] as const;
  t.equal(renderRows(rows, usual), 'CONTAINER ID\n1');
  const own = renderRows(rows, usual, 'table {{.ID}}\\t{{.RunningFor}}');
  t.equal(own, 'CONTAINER ID   RUNNING FOR\n1              2 days ago');
  t.equal(renderRows(rows, usual, '{{.Names}}'), 'one');
  t.strictSame(JSON.parse(renderRows(rows, usual, 'json')), rows[0]);
});

t.test('filters are alternatives within a key', async (t) => {
  const filters = filtersOf(['name=a', 'name=b', 'label=x', 'label=y=1'], ['name', 'label']);
  t.equal(
    some(filters, 'name', (name) => name === 'b'),
    true,
  );
  t.equal(
    some(filters, 'name', (name) => name === 'c'),
    false,
  );
  t.equal(
    some(filters, 'other', () => false),
    true,
  );
  t.equal(hasLabels(filters, { x: '', y: '1' }), true);
  t.equal(hasLabels(filters, { y: '1' }), false);
  t.throws(() => filtersOf(['name'], ['name']), /write KEY=VALUE/);
  t.throws(() => filtersOf(['hue=red'], ['name']), /invalid filter 'hue'; known: name/);
  t.throws(() => truth('dangling', 'perhaps'), /true or false/);
});

t.test('lengths of time are worded as docker does it', async (t) => {
  const cases = [
    [0.5, 'Less than a second'],
    [1, '1 second'],
    [59, '59 seconds'],
    [61, 'About a minute'],
    [3_000, '50 minutes'],
    [3_700, 'About an hour'],
    [47 * 3600, '47 hours'],
    [3 * 86_400, '3 days'],
    [15 * 86_400, '2 weeks'],
    [90 * 86_400, '3 months'],
    [800 * 86_400, '2 years'],
  ] as const;
  for (const [seconds, text] of cases) t.equal(duration(seconds), text);
});

t.test('detach keys are found however the input is cut', async (t) => {
  t.strictSame(keyBytes('ctrl-p,ctrl-q'), [16, 17]);
  t.strictSame(keyBytes('ctrl-@,a'), [0, 97]);
  t.strictSame(keyBytes(''), []);
  t.throws(() => keyBytes('ctrl-1'), /'ctrl-1' is no key/);
  const keys = new DetachKeys([16, 17]);
  t.strictSame(keys.take(Buffer.from([97, 16])), { passed: Buffer.from([97]), detached: false });
  t.strictSame(keys.take(Buffer.from([98])), { passed: Buffer.from([16, 98]), detached: false });
  t.strictSame(keys.take(Buffer.from([16, 16])), { passed: Buffer.from([16]), detached: false });
  t.strictSame(keys.take(Buffer.from([17])), { passed: Buffer.from([]), detached: true });
  t.strictSame(new DetachKeys([]).take(Buffer.from([16, 17])).detached, false);
});
