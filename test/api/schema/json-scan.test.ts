import t from 'tap';
import { MalformedJson, memberNames, scanJson } from '#api/schema/json-scan.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
t.comment(`SEED=${seed}`);

/** Mulberry32: small, seeded, good enough. */
function randomOf(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const random = randomOf(seed);
const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
const strings = ['a', 'b', '"', '\\', 'x":', '":', 'é\n', '', 'a:b', '{', '\\":', '" :'];

function value(depth: number): unknown {
  const kind = depth <= 0 ? 0 : Math.floor(random() * 4);
  if (kind === 2) return Array.from({ length: Math.floor(random() * 4) }, () => value(depth - 1));
  if (kind >= 1) {
    const names = Array.from({ length: Math.floor(random() * 4) }, () => pick(strings));
    return Object.fromEntries(names.map((name) => [name, value(depth - 1)]));
  }
  return pick<unknown>([...strings, 1, -2.5e10, true, false, null]);
}

const keys = (item: unknown): number => {
  if (typeof item !== 'object' || item === null) return 0;
  const own = Array.isArray(item) ? 0 : Object.keys(item).length;
  return Object.values(item).reduce((sum: number, inner) => sum + keys(inner), own);
};

t.test('what JSON.parse takes, the scanner takes, and sees every field once', async (t) => {
  for (let round = 0; round < 500; round += 1) {
    const item = value(5);
    const text = JSON.stringify(item, null, pick([0, 1, '\t']));
    const fields = scanJson(text);
    if (fields.length !== keys(item) || fields.some(({ repeated }) => repeated)) t.fail(text);
    if (memberNames(text) < keys(item)) t.fail(`fewer names than keys in ${text}`);
  }
  t.pass('500 texts');
});

t.test('what JSON.parse refuses, the scanner refuses', async (t) => {
  let refused = 0;
  for (let round = 0; round < 2000; round += 1) {
    const text = JSON.stringify(value(4));
    const at = Math.floor(random() * text.length);
    const broken =
      text.slice(0, at) + pick(['', ',', '}', ']', '"', ':', 'x', '\\', '0']) + text.slice(at + 1);
    const parses = attempt(() => JSON.parse(broken));
    const scans = attempt(() => scanJson(broken));
    if (parses !== scans) t.fail(`JSON.parse ${parses}, scanner ${scans}: ${broken}`);
    if (!parses) refused += 1;
  }
  t.ok(refused > 100);
});

function attempt(step: () => unknown): boolean {
  try {
    step();
    return true;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof MalformedJson) return false;
    throw error;
  }
}

t.test('a field named twice always raises the suspicion', async (t) => {
  for (const text of [
    '{"a":1,"a":2}',
    '{"a" :1,"a"\n:2}',
    '{"x":{"a\\"":1,"a\\"":2}}',
    '[{"":1,"":1}]',
  ]) {
    t.ok(memberNames(text) > keys(JSON.parse(text)), text);
    t.ok(
      scanJson(text).some(({ repeated }) => repeated),
      text,
    );
  }
});
