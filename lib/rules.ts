/** Rules between the fields of one component, as data with a check. */

export interface Rule<K extends string = string> {
  readonly fields: readonly K[];
  /** What must hold, in words: for messages and docs. */
  readonly says: string;
  /** Given the names of the fields that are set (and their values): what is wrong, or undefined. */
  readonly check: (isSet: (field: K) => boolean, valueOf: (field: K) => unknown) => string | undefined;
}

/** Exactly one of the fields is set. */
export const exactlyOne = <const K extends string>(...fields: readonly K[]): Rule<K> => ({
  fields, says: `exactly one of ${fields.join(', ')}`,
  check: isSet => {
    const set = fields.filter(isSet);
    if (set.length === 1) return undefined;
    return set.length === 0 ? `needs exactly one of ${fields.join(', ')}, and has none` : `needs exactly one of ${fields.join(', ')}, and has ${set.join(' and ')}`;
  },
});

/** At most one of the fields is set. */
export const atMostOne = <const K extends string>(...fields: readonly K[]): Rule<K> => ({
  fields, says: `at most one of ${fields.join(', ')}`,
  check: isSet => {
    const set = fields.filter(isSet);
    return set.length > 1 ? `takes at most one of ${fields.join(', ')}, and has ${set.join(' and ')}` : undefined;
  },
});

/** At least one of the fields is set. */
export const atLeastOne = <const K extends string>(...fields: readonly K[]): Rule<K> => ({
  fields, says: `at least one of ${fields.join(', ')}`,
  check: isSet => fields.some(isSet) ? undefined : `needs at least one of ${fields.join(', ')}`,
});

/** Where `field` is set, all of `others` must be too. */
export const needs = <const K extends string>(field: K, ...others: readonly K[]): Rule<K> => ({
  fields: [field, ...others], says: `${field} needs ${others.join(' and ')}`,
  check: isSet => {
    const missing = isSet(field) ? others.filter(o => !isSet(o)) : [];
    return missing.length > 0 ? `has ${field}, which needs ${missing.join(' and ')} too` : undefined;
  },
});

/** Any other condition: `check` returns what is wrong, or undefined. Values known later arrive as they are (Refs). */
export const must = <const K extends string>(fields: readonly K[], says: string, check: Rule<K>['check']): Rule<K> => ({ fields, says, check });
