/**
 * Which objects are an owner's: those it controls and still selects; those nobody controls and it selects, it adopts.
 * After pkg/controller/controller_ref_manager.go.
 */
import type { ApiObject } from '#api/client/collection.ts';
import { controllerOf } from '#api/resources/meta.ts';
import { type LabelRequirements, matchesLabels } from '#api/resources/selector.ts';
import { namespaceOf } from '#controller/runtime/lookup.ts';

export interface Claim<T> {
  readonly own: readonly T[];
  /** Selected and without a controller: to get our owner reference. */
  readonly adopt: readonly T[];
  /** Controlled by us but no longer selected: to lose it. */
  readonly release: readonly T[];
}

export interface Claiming<T> {
  readonly owner: ApiObject;
  readonly selector: LabelRequirements | undefined;
  /** What else is asked of an object that nobody controls; default: that it is not being deleted. */
  readonly adoptable?: (object: T) => boolean;
}

/** Sorts out the objects of the owner's namespace. An owner that is being deleted takes and gives nothing. */
export function claimed<T extends ApiObject>(
  { owner, selector, adoptable = () => true }: Claiming<T>,
  objects: Iterable<T>,
): Claim<T> {
  const { uid, deletionTimestamp } = owner.metadata;
  const stays = deletionTimestamp === undefined;
  const [own, adopt, release]: [T[], T[], T[]] = [[], [], []];
  for (const object of objects) {
    const controller = controllerOf(object);
    const selected = matchesLabels(selector, object.metadata.labels);
    if (controller === undefined) {
      const present = object.metadata.deletionTimestamp === undefined;
      if (stays && present && selected && adoptable(object)) adopt.push(object);
    } else if (controller.uid === uid) {
      if (selected) own.push(object);
      else if (stays) release.push(object);
    }
  }
  return { own, adopt, release };
}

/** For `addIndex`: the namespace of an object that nobody controls: a candidate for adoption. */
export const orphanIn = (object: ApiObject): readonly string[] =>
  controllerOf(object) === undefined ? namespaceOf(object) : [];
