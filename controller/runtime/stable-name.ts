/** Names that look random and are the same for the same cause, so that a repeated create finds its own work. */
import { createHash } from 'node:crypto';

/** apimachinery's alphabet of generated names: no vowels, no look-alikes. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** `length` characters that stand for the text. */
export function stableSuffix(text: string, length = 5): string {
  const digest = createHash('sha256').update(text).digest();
  let suffix = '';
  for (let i = 0; i < length; i += 1) suffix += alphabet[(digest[i] ?? 0) % alphabet.length];
  return suffix;
}

/** JSON with sorted keys and without fields that are null, which say as much as none: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined && field !== null)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`);
  return `{${fields.join(',')}}`;
}
