import { expect, test } from 'vitest';
import { has, requires } from './machine.js';

test('git, which the sources came with, is on every machine that runs the tests', () => expect(has('git')).toBe(true));
requires('git')('requires', () => { test('runs the tests where nothing is lacking', () => expect(has('git')).toBe(true)); });
