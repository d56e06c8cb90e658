/** Several managers write one object in turn: what becomes of it, and who owns what in the end. */
import t from 'tap';
import type { JsonObject } from '#api/resources/json.ts';
import type { Kind } from '#api/schema/kind.ts';
import { type Options, World } from './world.ts';

interface Step extends Options {
  readonly apply?: readonly [string, JsonObject];
  readonly update?: readonly [string, JsonObject];
  /** What it is refused for. */
  readonly refused?: RegExp;
}

export interface Situation {
  readonly name: string;
  readonly kind: Kind;
  readonly steps: readonly Step[];
  readonly fields: JsonObject;
  readonly owners: Record<string, string[]>;
}

/** One test for each. */
export function testSituations(situations: readonly Situation[]): void {
  for (const { name, kind, steps, fields, owners } of situations) {
    t.test(name, async (t) => {
      const world = new World(kind);
      for (const { apply, update, refused, ...options } of steps) {
        if (update !== undefined) world.update(update[0], update[1], options);
        if (apply === undefined) continue;
        const error = world.apply(apply[0], apply[1], options);
        if (refused === undefined) t.equal(error, undefined);
        else t.match(error?.message, refused);
      }
      t.same(world.fields, fields);
      t.strictSame(world.owners, owners);
    });
  }
}
