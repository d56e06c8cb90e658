/** JSON documents changed by chance: values of every kind where others stood, parts gone, doubled, torn. */

const odd: readonly string[] = [
  'null',
  'true',
  '0',
  '-1',
  '1e9',
  '0.5',
  '-0',
  '4294967296',
  '18446744073709551616',
  '1e400',
  '""',
  '[]',
  '{}',
  '"/proc/self/fd/7"',
  '"../../.."',
  '"a\\u0000b"',
  '"\\ud800"',
  '[[[[]]]]',
  '{"__proto__":{"x":1}}',
  '"SCMP_ACT_ALLOW"',
  '"SCMP_CMP_MASKED_EQ"',
  '["read",7]',
  '"100:100"',
];

interface Node {
  [key: string]: unknown;
}

/** Every place in a document: who holds it, and under what name. */
function placesIn(value: unknown, found: [Node, string][] = []): [Node, string][] {
  if (typeof value !== 'object' || value === null) return found;
  for (const key of Object.keys(value)) {
    found.push([value as Node, key]);
    placesIn((value as Node)[key], found);
  }
  return found;
}

/** The text of a document like the given one, with one to four changes. */
export function mutatedJson(document: unknown, random: () => number): string {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const copy: unknown = structuredClone(document);
  const marks: string[] = [];
  for (let left = 1 + Math.floor(random() * 4); left > 0; left -= 1) {
    const places = placesIn(copy);
    if (places.length === 0) break;
    const [holder, key] = pick(places);
    const kind = random();
    if (kind < 0.2) delete holder[key];
    else if (kind < 0.3) holder[`${key}x`] = holder[key];
    else if (kind < 0.45) holder[key] = structuredClone(pick(places)[0]);
    else {
      marks.push(pick(odd));
      holder[key] = `@${marks.length - 1}@`;
    }
  }
  const text = JSON.stringify(copy).replace(/"@(\d+)@"/g, (_, at) => marks[Number(at)] ?? 'null');
  if (random() > 0.05) return text;
  const at = Math.floor(random() * text.length);
  return text.slice(0, at) + pick(['', '"', '}', '\0', ',,']) + text.slice(at + 1);
}
