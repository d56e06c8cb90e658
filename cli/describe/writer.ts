/** Lines in the layout of `kubectl describe`: two spaces a level, cells ended by tabs. */
import { isObject, objectOr } from '#api/resources/json.ts';
import { formatLabelSelector, labelSelectorOf } from '#api/resources/selector.ts';
import { tabbed } from '../documents/tab-writer.ts';

/** Lines of text with tabs, laid out at the end. */
export class Writer {
  #text = '';

  /** One line; `text` may hold tabs. */
  line(level: number, text: string): void {
    this.#text += `${'  '.repeat(level)}${text}\n`;
  }

  /** `Name:  value`. */
  field(level: number, name: string, value: unknown): void {
    this.line(level, `${name}:\t${value}`);
  }

  /** The field if there is a value. */
  optional(level: number, name: string, value: unknown): void {
    if (value !== undefined && value !== null && value !== '') this.field(level, name, value);
  }

  /** A map as `key=value` lines; `<none>` for an empty one. */
  labels(title: string, labels: unknown, separator = '='): void {
    const pairs = pairsOf(labels);
    if (pairs.length === 0) this.line(0, `${title}:\t<none>`);
    pairs.forEach(([key, value], index) => {
      this.line(0, `${index === 0 ? `${title}:` : ''}\t${key}${separator}${value}`);
    });
  }

  /** As labels; long values on lines of their own; not what `kubectl apply` keeps for itself. */
  annotations(title: string, annotations: unknown): void {
    const pairs = pairsOf(annotations).filter(([key]) => key !== lastApplied);
    if (pairs.length === 0) this.line(0, `${title}:\t<none>`);
    pairs.forEach(([key, value], index) => {
      const text = String(value).replace(/\n$/, '');
      const lead = index === 0 ? `${title}:\t` : '\t';
      if (text.length + key.length + 2 <= maxAnnotation && !text.includes('\n')) {
        this.line(0, `${lead}${key}: ${text}`);
        return;
      }
      this.line(0, `${lead}${key}:`);
      for (const part of text.split('\n')) this.line(0, `\t  ${shortened(part)}`);
    });
  }

  text(): string {
    return tabbed(this.#text);
  }

  /** With the tabs as they are. */
  get raw(): string {
    return this.#text;
  }
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';
const maxAnnotation = 140;

const shortened = (text: string): string =>
  text.length > maxAnnotation - 2 ? `${text.slice(0, maxAnnotation - 2)}...` : text;

/** The pairs of a map by their keys. */
export function pairsOf(map: unknown): [string, unknown][] {
  return Object.entries(objectOr(map)).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** `a=b,c=d`; `<none>` for an empty one. */
export function inline(map: unknown): string {
  const pairs = pairsOf(map).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? '<none>' : pairs.join(',');
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** `Mon, 02 Jan 2006 15:04:05 +0000`, in this machine's time zone (Go's RFC1123Z); Go's zero for no time. */
export function longTime(time: unknown): string {
  if (time === undefined || time === null) return 'Mon, 01 Jan 0001 00:00:00 +0000';
  const at = new Date(String(time));
  if (Number.isNaN(at.getTime())) return '<unknown>';
  const two = (value: number) => String(value).padStart(2, '0');
  const offset = -at.getTimezoneOffset();
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  const day = `${days[at.getDay()]}, ${two(at.getDate())} ${months[at.getMonth()]} ${at.getFullYear()}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())} ${zone}`;
}

/** `True` or `False`. */
export const truth = (value: unknown): string => (value === true ? 'True' : 'False');

/** A selector of labels in one line, as `-l` takes it. */
export function selectorText(selector: unknown): string {
  if (!isObject(selector)) return '<none>';
  const requirements = labelSelectorOf(selector as Parameters<typeof labelSelectorOf>[0]);
  const text = formatLabelSelector(requirements ?? []);
  return text === '' ? '<none>' : text;
}
