import t from 'tap';
import { formatFieldSelector } from '#api/resources/field-selector.ts';
import {
  formatLabelSelector,
  labelSelectorOf,
  matchesFields,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
} from '#api/resources/selector.ts';
import type { LabelSelector } from '#api/resources/types.ts';

const labels = { app: 'web', tier: 'front', size: '5', empty: '' };

t.test('a label selector selects by all its requirements', async (t) => {
  const cases: [string, boolean][] = [
    ['', true],
    ['app=web', true],
    ['app==web', true],
    [' app = web , tier = front ', true],
    ['app=web,tier=back', false],
    ['app!=db', true],
    ['other!=x', true],
    ['app in (web,db)', true],
    ['app in ( db )', false],
    ['app notin (db)', true],
    ['other notin (db)', true],
    ['app', true],
    ['!app', false],
    ['!other', true],
    ['! other', true],
    ['empty=', true],
    ['empty', true],
    ['app=', false],
    ['size>4', true],
    ['size<4', false],
    ['app>4', false],
    ['empty in (,x)', true],
    ['in in (in)', false],
    ['constructor', false],
  ];
  for (const [text, selected] of cases) {
    t.equal(matchesLabels(parseLabelSelector(text), labels), selected, text);
  }
});

t.test('a selector that cannot be read is refused with 400 and the reason', async (t) => {
  const cases: [string, string][] = [
    ['a=b=c', "found '=', expected: ',' or 'end of string'"],
    ['a in', "unable to parse requirement: found '' expected: '('"],
    ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['a=b,', "found '', expected: identifier after ','"],
    [',', "found ',', expected: !, identifier, or 'end of string'"],
    [
      'a b',
      "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt, exists, !",
    ],
    ['a>x', "'Gt', 'Lt' operators, the value must be an integer"],
    ['-a=b', 'unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of'],
    ['a=b@', 'unable to parse requirement: <nil>: Invalid value: "b@": a valid label must be'],
  ];
  for (const [text, message] of cases) {
    t.throws(
      () => parseLabelSelector(text),
      { code: 400, message: new RegExp(message.replace(/[()|]/g, '\\$&')) },
      text,
    );
  }
});

t.test('a selector is written back as it reads, sorted by key', async (t) => {
  const text = 'z,a==b,c in (y,x),!d,e>3';
  t.equal(formatLabelSelector(parseLabelSelector(text)), 'a==b,c in (x,y),!d,e>3,z');
});

t.test('the empty LabelSelector selects all, the absent one nothing', async (t) => {
  t.equal(matchesLabels(labelSelectorOf({}), labels), true);
  t.equal(matchesLabels(labelSelectorOf(undefined), labels), false);
  const selector: LabelSelector = {
    matchLabels: { app: 'web' },
    matchExpressions: [{ key: 'tier', operator: 'In', values: ['front', 'back'] }],
  };
  t.equal(matchesLabels(labelSelectorOf(selector), labels), true);
  t.equal(matchesLabels(labelSelectorOf(selector), { app: 'web' }), false);
  t.throws(() => labelSelectorOf({ matchExpressions: [{ key: 'a', operator: 'Like' }] }), {
    code: 400,
  });
});

t.test('a field selector compares fields as text', async (t) => {
  const fields: Record<string, string> = { 'metadata.name': 'a', 'status.phase': 'x,y=z\\' };
  const read = (path: string): string => fields[path] ?? '';
  const cases: [string, boolean][] = [
    ['', true],
    ['metadata.name=a', true],
    ['metadata.name==a', true],
    ['metadata.name!=a', false],
    ['metadata.name=a,spec.nodeName=', true],
    ['status.phase=x\\,y\\=z\\\\', true],
  ];
  for (const [text, selected] of cases) {
    t.equal(matchesFields(parseFieldSelector(text), read), selected, text);
  }
  t.throws(() => parseFieldSelector('abc'), { code: 400, message: /can't understand 'abc'/ });
  t.throws(() => parseFieldSelector('a=b\\c'), { code: 400, message: /invalid escape sequence/ });
  const escaped = 'status.phase=x\\,y\\=z\\\\';
  t.equal(formatFieldSelector(parseFieldSelector(escaped)), escaped);
});
