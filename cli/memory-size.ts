/** Docker's way to write amounts of memory. */
import { UsageError } from './arguments.ts';

/** `512m`, `2g` as a Kubernetes quantity. @throws UsageError naming the flag */
export function memoryOf(text: string, flag: string): string {
  const match = /^(\d+)([bkmg]?)b?$/i.exec(text);
  if (match === null) throw new UsageError(`${flag} '${text}': a number with b, k, m or g`);
  const unit = { '': '', b: '', k: 'Ki', m: 'Mi', g: 'Gi' }[match[2]?.toLowerCase() ?? ''] ?? '';
  return `${match[1]}${unit}`;
}
