/** Numbers of pods as specs give them. */

/** `5`, or `"25%"` of `total`; what is neither counts as 0. */
export function resolved(value: unknown, total: number, round: (x: number) => number): number {
  if (typeof value === 'number') return value;
  const percent = typeof value === 'string' ? /^(\d+)%$/.exec(value)?.[1] : undefined;
  return percent === undefined ? 0 : round((Number(percent) * total) / 100);
}

/** A status' count that Kubernetes leaves out when it is 0. */
export const positive = <Name extends string>(name: Name, count: number) =>
  (count === 0 ? {} : { [name]: count }) as { [N in Name]?: number };
