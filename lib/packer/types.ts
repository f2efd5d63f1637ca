/** What the options of Packer's components take. A value known later fits everywhere, a secret only where Packer's users put secrets. */
import type { Field } from '../fields.js';
import type { Duration, Input, Secret, SecretText } from '../values.js';

export type PackerText = Input<string>;
/** A secret, or text in which one is common. */
export type PackerSecretText = Input<string> | Secret | SecretText;
/** A Duration, or Go's notation for one: `90s`, `1h30m`. */
export type PackerDuration = Duration | Input<string>;
export type PackerFlag = Input<boolean>;
export type PackerNumber = Input<number>;
export type PackerTexts = Input<readonly PackerText[]>;
export type PackerSecretTexts = Input<readonly PackerSecretText[]>;
export type PackerTextLists = Input<readonly Input<readonly PackerText[]>[]>;
export type PackerSecretTextLists = Input<readonly Input<readonly PackerSecretText[]>[]>;
export type PackerNumbers = Input<readonly PackerNumber[]>;
/** Names are values of yours, and never renamed. */
export type PackerTextMap = Input<{ readonly [name: string]: PackerText }>;
export type PackerSecretTextMap = Input<{ readonly [name: string]: PackerSecretText }>;
/** What a data source gives. */
export type PackerOutput<T> = Field<T, T, 'defaulted'>;
