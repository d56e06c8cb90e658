/** Where pods may go: tolerations, taints and spreading. */
import { type JsonObject, stringOr } from '#api/resources/json.ts';
import { selectorText, type Writer } from './writer.ts';

const byKey = (a: JsonObject, b: JsonObject): number =>
  stringOr(a['key']) < stringOr(b['key']) ? -1 : 1;

function tolerationText({ key, value, operator, effect, tolerationSeconds }: JsonObject): string {
  let text = stringOr(key);
  if (stringOr(value) !== '') text += `=${value}`;
  if (stringOr(effect) !== '') text += `:${effect}`;
  if (operator === 'Exists' && stringOr(value) === '') {
    text += stringOr(key) !== '' || stringOr(effect) !== '' ? ' op=Exists' : 'op=Exists';
  }
  if (tolerationSeconds !== undefined) text += ` for ${tolerationSeconds}s`;
  return text;
}

/** One a line after the title. */
function list(out: Writer, title: string, texts: readonly string[]): void {
  if (texts.length === 0) out.line(0, `${title}:\t<none>`);
  texts.forEach((text, index) => {
    out.line(0, `${index === 0 ? `${title}:` : ''}\t${text}`);
  });
}

export function tolerations(out: Writer, title: string, all: readonly JsonObject[]): void {
  list(out, title, [...all].sort(byKey).map(tolerationText));
}

/** `key=value:NoSchedule`. */
export function taintText({ key, value, effect }: JsonObject): string {
  const named = stringOr(value) === '' ? `${key}` : `${key}=${value}`;
  return stringOr(effect) === '' ? named : `${named}:${effect}`;
}

export function taints(out: Writer, title: string, all: readonly JsonObject[]): void {
  const order = (a: JsonObject, b: JsonObject) =>
    stringOr(a['effect']) === stringOr(b['effect'])
      ? byKey(a, b)
      : stringOr(a['effect']) < stringOr(b['effect'])
        ? -1
        : 1;
  list(out, title, [...all].sort(order).map(taintText));
}

export function spread(out: Writer, all: readonly JsonObject[], space: string): void {
  if (all.length === 0) return;
  const texts = [...all]
    .sort((a, b) => (stringOr(a['topologyKey']) < stringOr(b['topologyKey']) ? -1 : 1))
    .map(({ topologyKey, whenUnsatisfiable, maxSkew, labelSelector }) => {
      const selector =
        labelSelector === undefined ? '' : ` for selector ${selectorText(labelSelector)}`;
      return `${topologyKey}:${whenUnsatisfiable} when max skew ${maxSkew} is exceeded${selector}`;
    });
  texts.forEach((text, index) => {
    out.line(0, `${space}${index === 0 ? 'Topology Spread Constraints:' : ''}\t${text}`);
  });
}
